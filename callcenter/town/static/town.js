// Keeps the page as the town is: asks for the whole state once a second and changes only what differs.
// All text from outside goes into the page as text, never as HTML.
"use strict";

const EVERY_MS = 1000;
const cards = new Map();
const template = document.getElementById("card");
const problem = document.getElementById("problem");
const stale = document.getElementById("stale");
let lastGood = Date.now();

function label(element, zh, en) {
  const wanted = `${zh} ${en}`;
  if (element.dataset.label === wanted) return;
  element.dataset.label = wanted;
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  element.replaceChildren(`${zh} `, english);
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

async function post(path, body) {
  problem.hidden = true;
  const reply = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  }).catch(() => null);
  if (!reply || !reply.ok) {
    const detail = reply ? (await reply.json().catch(() => ({}))).detail : null;
    problem.textContent = typeof detail === "string" ? detail : "没有做成，请再试一次 / It did not work; try again";
    problem.hidden = false;
  }
  await refresh();
}

const pathOf = (number, action) => `/town/phones/${encodeURIComponent(number)}/${action}`;

function button(card, zh, en, kind, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  label(made, zh, en);
  made.addEventListener("click", act);
  card.parts.actions.append(made);
}

function makeCard(phone) {
  const element = template.content.firstElementChild.cloneNode(true);
  const parts = {};
  for (const part of element.querySelectorAll("[data-part]")) parts[part.dataset.part] = part;
  const card = { element, parts, mode: "", number: phone.number, messages: "" };
  for (const key of "123456789*0#") {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "quiet";
    made.textContent = key;
    made.addEventListener("click", () => post(pathOf(phone.number, "press"), { keys: key }));
    parts.keys.append(made);
  }
  parts.does.addEventListener("change", () => post(pathOf(phone.number, "when-rung"), { does: parts.does.value }));
  parts.standing.hidden = !["duty", "contact", "provider"].includes(phone.kind);
  parts.reply.addEventListener("submit", async (event) => {
    event.preventDefault();
    const input = parts.reply.elements.text;
    await post(`/town/handsets/${encodeURIComponent(phone.number)}/replies`, { text: input.value });
    if (problem.hidden) input.value = "";
  });
  parts.sms.addEventListener("toggle", () => readMessages(card));
  element.dataset.number = phone.number;
  element.id = `phone-${phone.number}`;
  cards.set(phone.number, card);
  return card;
}

function modeOf(phone) {
  const call = phone.call;
  if (!call || call.state === "over") return "idle";
  return call.state === "ringing" && call.direction === "in" ? "rung" : call.state;
}

function lineOf(phone) {
  const call = phone.call;
  if (!call) return "空闲 · idle";
  const other = call.name && call.name !== call.other ? `${call.name} ${call.other}` : call.other || "未知号码 · unknown";
  if (call.state === "over") return `空闲 · idle（上次 last: ${other}）`;
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - call.since));
  if (call.state === "talking") return `通话中 · talking: ${other} ${seconds} s${call.keys ? ` [${call.keys}]` : ""}`;
  if (call.direction === "in") return `来电响铃 · ringing: ${other} ${seconds} s`;
  return `正在呼叫 · calling ${other} ${seconds} s`;
}

function actionsFor(card, phone, mode) {
  card.parts.actions.replaceChildren();
  const dial = (number) => () => post(pathOf(phone.number, "dial"), { number });
  if (mode === "idle") {
    if (phone.kind === "device") button(card, "按下求助键", "press the button", "alarm", dial(phone.dials));
    if (phone.kind === "resident" || phone.kind === "provider") {
      button(card, "拨 81890", "dial", "", dial("81890"));
      button(card, "拨 96345", "dial", "quiet", dial("96345"));
    }
    return;
  }
  const hangUp = () => post(pathOf(phone.number, "hang-up"));
  if (mode === "rung") {
    button(card, "接听", "answer", "", () => post(pathOf(phone.number, "answer")));
    button(card, "拒接", "refuse", "quiet", hangUp);
    return;
  }
  if (mode === "talking" && ["duty", "contact", "provider"].includes(phone.kind)) {
    button(card, "按 1", "press 1", "", () => post(pathOf(phone.number, "press"), { keys: "1" }));
    button(card, "按 2", "press 2", "quiet", () => post(pathOf(phone.number, "press"), { keys: "2" }));
  }
  button(card, "挂断", "hang up", "quiet", hangUp);
}

function showCard(phone) {
  const card = cards.get(phone.number) ?? makeCard(phone);
  const mode = modeOf(phone);
  put(card.parts.name, phone.name);
  put(card.parts.number, phone.number);
  put(card.parts.line, lineOf(phone));
  card.element.dataset.state = mode === "rung" ? "ringing" : mode;
  if (mode !== card.mode) {
    actionsFor(card, phone, mode);
    card.mode = mode;
  }
  card.parts.pad.hidden = mode !== "talking";
  if (document.activeElement !== card.parts.does) card.parts.does.value = phone.does;
  card.parts.sms.hidden = phone.messages === 0;
  put(card.parts.count, phone.messages ? ` ${phone.messages}` : "");
  if (card.parts.sms.open && !card.parts.sms.hidden) readMessages(card);
  return card.element;
}

async function readMessages(card) {
  if (!card.parts.sms.open) return;
  const reply = await fetch(`/town/handsets/${encodeURIComponent(card.number)}/messages`).catch(() => null);
  if (!reply || !reply.ok) return;
  const messages = (await reply.json()).slice(-30).reverse();
  const seen = JSON.stringify(messages);
  if (seen === card.messages) return;
  card.messages = seen;
  card.parts.messages.replaceChildren(
    ...messages.map((message) => {
      const item = document.createElement("li");
      const when = document.createElement("time");
      when.dateTime = message.at;
      const who = { me: "我 · me", centre: "中心 · centre" }[message.from] ?? message.from;
      when.textContent = `${new Date(message.at).toLocaleTimeString("zh-CN")} · ${who}`;
      item.append(when, message.text);
      return item;
    }),
  );
}

// What happens now, wherever on the page it is: one link to each telephone in a call.
function showNow(telephones) {
  const now = document.getElementById("now");
  const words = { rung: "响铃 ringing", dialling: "呼叫 calling", ringing: "呼叫 calling", talking: "通话 talking" };
  const busy = telephones.map((phone) => [phone, modeOf(phone)]).filter(([, mode]) => mode !== "idle");
  const seen = JSON.stringify(busy.map(([phone, mode]) => [phone.number, mode]));
  now.hidden = busy.length === 0;
  if (now.dataset.seen === seen) return;
  now.dataset.seen = seen;
  now.replaceChildren(
    ...busy.map(([phone, mode]) => {
      const link = document.createElement("a");
      link.href = `#phone-${phone.number}`;
      link.dataset.state = mode === "rung" ? "ringing" : mode;
      link.textContent = `${phone.name} ${words[mode]}`;
      return link;
    }),
  );
}

function show(state) {
  showNow(state.telephones);
  const known = new Set();
  for (const section of document.querySelectorAll("[data-kind]")) {
    const place = section.querySelector(".town-cards");
    // A card stays where it is: only new telephones are put at the end, so nothing jumps under a finger.
    for (const phone of state.telephones.filter((one) => one.kind === section.dataset.kind)) {
      known.add(phone.number);
      const element = showCard(phone);
      if (element.parentElement !== place) place.append(element);
    }
  }
  for (const [number, card] of cards) {
    if (known.has(number)) continue;
    card.element.remove();
    cards.delete(number);
  }
  const list = document.getElementById("entries");
  const lines = state.diary.slice().reverse();
  if (list.dataset.first !== lines[0]) {
    list.dataset.first = lines[0] ?? "";
    list.replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
  }
}

async function refresh() {
  const reply = await fetch("/town/state", { cache: "no-store" }).catch(() => null);
  if (reply && reply.ok) {
    show(await reply.json());
    lastGood = Date.now();
    stale.hidden = true;
    return;
  }
  const since = new Date(lastGood).toLocaleTimeString("zh-CN");
  stale.textContent = `没有连上，显示的是 ${since} 的情形 · not connected, as of ${since}`;
  stale.hidden = false;
}

async function live() {
  if (!document.hidden) await refresh();
  setTimeout(live, EVERY_MS);
}

document.getElementById("clock")?.addEventListener("click", (event) => {
  const forward = event.target.closest("[data-forward]");
  if (forward) post("/town/clock", { seconds: Number(forward.dataset.forward) });
});
document.addEventListener("visibilitychange", () => !document.hidden && refresh());
live();
