// The console's page: htmx for fragments, one event stream, the siren, keys, drafts, and ticking times.

import htmx from "htmx.org";
import * as ages from "./parts/ages";
import * as drafts from "./parts/drafts";
import * as keys from "./parts/keys";
import * as live from "./parts/live";
import * as pictures from "./parts/pictures";
import * as siren from "./parts/siren";
import { t } from "./parts/words";

const YEAR_S = 31_536_000;
const NARROW = 720; // as in layout.css: below it the parts stand one under another

function look(change: "theme" | "size"): void {
  const root = document.documentElement.dataset;
  if (change === "theme") root["bsTheme"] = root["bsTheme"] === "dark" ? "light" : "dark";
  else root["size"] = root["size"] === "large" ? "normal" : "large";
  document.cookie = `callcenter_look=${root["bsTheme"]}-${root["size"]};path=/;max-age=${YEAR_S};samesite=lax`;
}

function firstLook(): void {
  if (!document.cookie.includes("callcenter_look=") && matchMedia("(prefers-color-scheme: dark)").matches) look("theme");
}

function notice(text: string): void {
  const box = document.createElement("div");
  box.className = "notice";
  box.setAttribute("role", "alert");
  box.textContent = text;
  document.getElementById("notices")?.prepend(box);
}

function clicked(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const button = target.closest<HTMLElement>("[data-look], [data-open], [data-close], [data-dismiss], [data-unmute]");
  if (!button) return;
  const told = button.dataset;
  if (told["look"] === "theme" || told["look"] === "size") look(told["look"]);
  if (told["open"]) open(told["open"]);
  if (told["close"]) (document.getElementById(told["close"]) as HTMLDialogElement | null)?.close();
  if ("dismiss" in told) button.closest("[data-notice]")?.remove();
  if ("unmute" in told) void siren.allow().then(showMute);
}

function open(id: string): void {
  const dialog = document.getElementById(id) as HTMLDialogElement | null;
  const listed = dialog?.querySelector<HTMLElement>("[data-keys]");
  if (listed) keys.list(listed);
  dialog?.showModal();
}

function showMute(): void {
  const bar = document.getElementById("mute");
  if (bar) bar.hidden = siren.allowed();
}

/** What the fragment that just came in says of the place it is in. */
function settled(event: Event): void {
  const target = (event as CustomEvent<{ target: HTMLElement }>).detail.target;
  keepPlace(target);
  ages.tick(target);
  drafts.restore(target);
  live.count();
  if (target.id === "matter") {
    const place = target.querySelector<HTMLElement>("[data-place]")?.dataset["place"];
    for (const link of document.querySelectorAll("[data-place].place")) {
      if (link.getAttribute("data-place") === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    target.scrollTop = 0;
    if (innerWidth <= NARROW) target.scrollIntoView({ block: "start" });
    const wanted = target.querySelector<HTMLElement>("[autofocus]");
    (wanted ?? target).focus({ preventScroll: true });
  }
}

const openBefore = new WeakMap<HTMLElement, string[]>();
const rowsBefore = new WeakMap<HTMLElement, Set<string>>();

const ids = (found: NodeListOf<Element>): string[] => [...found].map((element) => element.id);

type Swap = {
  target: HTMLElement; shouldSwap: boolean; isError: boolean; requestConfig: { verb: string; elt: HTMLElement };
};

function beforeSwap(event: Event): void {
  const swap = (event as CustomEvent<Swap>).detail;
  const target = swap.target;
  const form = swap.requestConfig.verb === "get" ? null : swap.requestConfig.elt.closest("form");
  if (form && !swap.isError) sent(form);
  if (!swap.shouldSwap) return;
  if (target.id === "matter") {
    if (swap.requestConfig.verb === "post" && live.keepsWriting(target, swap.requestConfig.elt)) swap.shouldSwap = false;
    return; // another matter: nothing of the one before stays open
  }
  if (live.mustWait(target)) {
    swap.shouldSwap = false;
    return;
  }
  openBefore.set(target, ids(target.querySelectorAll("details[open][id]")));
  rowsBefore.set(target, new Set(ids(target.querySelectorAll("[data-row]"))));
}

/** A part that came anew keeps open what was open, and marks the rows that were not there. After the settling,
 * in which htmx puts the attributes of elements of the same name right. */
function keepPlace(target: HTMLElement): void {
  for (const id of openBefore.get(target) ?? []) target.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  const rows = rowsBefore.get(target);
  if (rows === undefined || rows.size === 0) return;
  for (const row of target.querySelectorAll("[data-row]")) row.classList.toggle("is-new", !rows.has(row.id));
}

/** What was sent is no draft any more. Said before the swap: a form that replaces itself must not come back filled. */
function sent(form: HTMLFormElement): void {
  drafts.forget(form);
  const closes = form.dataset["closes"];
  if (closes) (document.getElementById(closes) as HTMLDialogElement | null)?.close();
  if (form.id && !("noDraft" in form.dataset)) form.reset();
}

function begin(): void {
  firstLook();
  ages.setClock(Date.parse(document.documentElement.dataset["now"] ?? "") / 1000);
  document.addEventListener("click", clicked);
  document.addEventListener("htmx:beforeSwap", beforeSwap);
  document.addEventListener("htmx:afterSettle", settled);
  for (const failed of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(failed, () => {
      notice(t("没有连上服务器，这一步没有完成。连上后请再试。", "The server was not reached and this step was not done. Try again once it is back."));
    });
  }
  ages.tick();
  setInterval(() => ages.tick(), 1000);
  if (!document.body.classList.contains("shell")) return;
  document.addEventListener("keydown", keys.press);
  document.addEventListener("input", drafts.keep);
  drafts.restore(document);
  const loud = document.querySelector<HTMLInputElement>("[data-loudness]");
  if (loud) {
    loud.value = localStorage.getItem("callcenter-loudness") ?? "60";
    loud.addEventListener("input", () => localStorage.setItem("callcenter-loudness", loud.value));
  }
  document.addEventListener("siren:silence", (event) => siren.silence((event as CustomEvent<{ minutes: number }>).detail.minutes));
  siren.leadIfFirst();
  siren.watch(() => live.untaken() > 0);
  showMute();
  document.addEventListener("pointerdown", () => void siren.allow().then(showMute), { once: true });
  document.addEventListener("keydown", () => void siren.allow().then(showMute), { once: true });
  live.start();
  pictures.start();
}

(window as unknown as { htmx: typeof htmx }).htmx = htmx;
begin();
