// Bundles the front end into callcenter/console/static/built/, from where the application serves it and
// from where it is packed into the wheel.
//
// Every .ts and .css file directly in frontend/src/ is one bundle of the same name; files in folders below it
// are parts that the bundles import. Icons named in frontend/icons.json become one sprite, icons.svg, used as
// <svg class="icon"><use href="/static/built/icons.svg#phone"/></svg>.

import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const sources = path.join(here, "src");
const built = path.join(root, "callcenter", "console", "static", "built");
const fresh = `${built}.new`;

async function entryPoints() {
  const names = await readdir(sources);
  return names.filter((name) => /\.(ts|css)$/.test(name) && !name.endsWith(".d.ts")).sort().map((name) => path.join(sources, name));
}

async function sprite() {
  const names = JSON.parse(await readFile(path.join(here, "icons.json"), "utf8"));
  const symbols = await Promise.all(names.map(symbol));
  return `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`;
}

async function symbol(name) {
  const file = path.join(root, "node_modules", "@tabler", "icons", "icons", "outline", `${name}.svg`);
  let drawing;
  try {
    drawing = await readFile(file, "utf8");
  } catch {
    throw new Error(`frontend/icons.json names "${name}", which Tabler Icons does not have`);
  }
  const inner = drawing.slice(drawing.indexOf(">", drawing.indexOf("<svg")) + 1, drawing.lastIndexOf("</svg>"));
  return (
    `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
    `stroke-linecap="round" stroke-linejoin="round">${inner.replace(/\s*\n\s*/g, "")}</symbol>`
  );
}

// The old bundle stays whole until the new one is: a failed build never leaves half a console behind.
await rm(fresh, { recursive: true, force: true });
await build({
  entryPoints: await entryPoints(),
  outdir: fresh,
  bundle: true,
  minify: true,
  sourcemap: true,
  target: ["chrome90", "firefox90", "safari14"],
  format: "iife",
  loader: { ".svg": "file", ".woff": "file", ".woff2": "file", ".png": "file", ".wav": "file", ".mp3": "file" },
  assetNames: "assets/[name]-[hash]",
  legalComments: "linked",
  logLevel: "warning",
});
await writeFile(path.join(fresh, "icons.svg"), await sprite());
await rm(built, { recursive: true, force: true });
await rename(fresh, built);
