// Keeps the page true: listens to the one stream and brings in what changed.

import htmx from "htmx.org";
import * as ages from "./ages";
import * as siren from "./siren";

type Alarm = { id: number; gone?: boolean; taken?: boolean; html?: string };

const later = new Set<HTMLElement>();

export function start(): void {
  listen((event, data) => {
    const told = data as Record<string, unknown>;
    if (typeof told["now"] === "number") ages.setClock(told["now"]);
    if (event !== "stale") showStale(undefined);
    switch (event) {
      case "hello":
      case "reset":
        document.documentElement.dataset["live"] = "yes";
        refresh(() => true);
        break;
      case "changed":
        changed(told["regions"] as string[]);
        break;
      case "alarm":
        alarm(data as Alarm);
        break;
      case "answered":
        answered(String(told["seat"]), Number(told["arrival"]));
        break;
      case "stale":
        showStale(Number(told["since"]));
        break;
      case "over":
        location.assign("/sign-in");
        break;
    }
  });
  document.addEventListener("focusout", () => setTimeout(bringLate, 0));
}

function listen(hear: (event: string, data: unknown) => void): void {
  const built = (document.querySelector('script[src*="console.js"]') as HTMLScriptElement).src;
  const address = built.replace("console.js", "worker.js");
  const name = `events-${document.body.dataset["locale"] ?? ""}-${document.body.dataset["user"] ?? ""}`;
  const worker = new SharedWorker(address, { name });
  worker.port.onmessage = (message: MessageEvent<{ event: string; data: unknown }>) => hear(message.data.event, message.data.data);
  worker.port.start();
  addEventListener("pagehide", () => worker.port.postMessage("leave"));
}

function changed(regions: string[]): void {
  const all = regions.includes("*");
  refresh((name) => all || regions.includes(name));
}

function refresh(wanted: (name: string) => boolean): void {
  for (const region of document.querySelectorAll<HTMLElement>("[data-live]")) {
    if (wanted(region.dataset["live"] ?? "")) bring(region);
  }
}

/** A region in which somebody types waits until they are done; what they read beside it does not. */
function bring(region: HTMLElement): void {
  if (mustWait(region)) return;
  later.delete(region);
  const source = region.dataset["source"];
  // Each region asks in its own name: asked in the page's, htmx would keep only the last of several requests.
  if (source) void htmx.ajax("get", source, { source: region, target: region, swap: "innerHTML" });
}

/** Whether somebody types in this region now, so that what came for it waits; also asked when the answer arrives. */
export function mustWait(region: HTMLElement): boolean {
  if (!("patient" in region.dataset) || !busy(region)) return false;
  later.add(region);
  return true;
}

/** The answer to an earlier step came while the operator already writes something else in the same matter: the matter
 * stays as it is, and its parts are brought up to date one by one. */
export function keepsWriting(matter: HTMLElement, asked: HTMLElement): boolean {
  const open = [...matter.querySelectorAll("details[open]")];
  if (open.length === 0 || open.some((one) => one.contains(asked))) return false;
  for (const region of matter.querySelectorAll<HTMLElement>("[data-live]")) bring(region);
  return true;
}

function bringLate(): void {
  for (const region of later) if (!region.isConnected) later.delete(region);
    else if (!busy(region)) bring(region);
}

function busy(region: HTMLElement): boolean {
  return region.contains(document.activeElement) || region.querySelector("details[open]") !== null;
}

/** An alarm's card came with the message itself: it stands on the page before anything else happens. */
function alarm(told: Alarm): void {
  const list = document.getElementById("alarm-list");
  const old = document.getElementById(`alarm-${told.id}`);
  if (told.gone || !told.html) {
    old?.remove();
  } else if (list) {
    const made = document.createElement("template");
    made.innerHTML = told.html;
    const card = made.content.firstElementChild as HTMLElement;
    if (old) old.replaceWith(card);
    else place(list, card);
    htmx.process(card);
    ages.tick(card);
    // With nothing in hand an alarm takes the centre by itself; what somebody works on is never taken away.
    if (!old && !told.taken && document.querySelector("#matter .calm")) {
      void htmx.ajax("get", `/tickets/${told.id}`, { source: "#matter", target: "#matter", swap: "innerHTML" });
    }
  }
  count();
}

/** Untaken alarms stand first, the oldest of them at the top; nothing else moves. */
function place(list: HTMLElement, card: HTMLElement): void {
  card.classList.add("is-new");
  const before = [...list.querySelectorAll<HTMLElement>("[data-alarm]")].find((other) => order(other) > order(card));
  list.insertBefore(card, before ?? null);
}

const order = (card: HTMLElement): string => `${card.dataset["taken"] === "yes" ? 1 : 0}${card.dataset["opened"] ?? ""}`;

export function count(): void {
  const cards = document.querySelectorAll("#alarm-list [data-alarm]").length;
  const shown = document.querySelector("[data-alarm-count]");
  if (shown) shown.textContent = String(cards);
  document.getElementById("no-alarm")?.toggleAttribute("hidden", cards > 0);
  const raised = untaken();
  document.body.classList.toggle("has-alarm", raised > 0);
  const title = document.title.replace(/^\(\d+!\) /, "");
  document.title = raised > 0 ? `(${raised}!) ${title}` : title;
}

export const untaken = (): number => document.querySelectorAll('#alarm-list [data-taken="no"]').length;

/** The caller's card opens by itself at the seat whose telephone answered. */
function answered(seat: string, arrival: number): void {
  const mine = document.querySelector<HTMLElement>("[data-my-seat]")?.dataset["mySeat"] ?? document.body.dataset["seat"];
  if (!seat || seat !== mine) return;
  siren.ring();
  void htmx.ajax("get", `/calls/${arrival}`, { source: "#matter", target: "#matter", swap: "innerHTML" });
}

function showStale(since: number | undefined): void {
  const banner = document.getElementById("stale");
  if (!banner) return;
  banner.hidden = since === undefined;
  document.body.classList.toggle("is-stale", since !== undefined);
  const at = banner.querySelector("[data-since]");
  if (at && since !== undefined) at.textContent = new Date(since).toLocaleTimeString("zh-CN", { hour12: false });
}
