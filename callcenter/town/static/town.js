// Keeps the page as the town is: asks for the state once a second and changes only what differs, so that nothing
// moves under a finger. All text from outside goes into the page as text, never as HTML.
"use strict";

const EVERY_MS = 1000;
const CHOICE = { resident: 4, device: 3 };
const MORE = 12;
const FOUND = 30;
const HANDSETS = 5;
const STANDS = new Set(["duty", "contact", "provider"]);
const QUICK = {
  provider: [["1 20", "接单，20 分钟到", "accept, 20 min"], ["2", "不接", "decline"], ["到", "到了", "arrived"],
    ["完 80", "做完，收 80 元", "done, 80 yuan"]],
  resident: [["5", "很满意", "very good"], ["4", "", ""], ["3", "", ""], ["2", "", ""], ["1", "很不满意", "very bad"]],
};

const $ = (id) => document.getElementById(id);
let book = new Map(); // by number
let byHandset = new Map(); // by the number that messages are addressed to
let state = { calls: {}, does: {}, handsets: [], now: null, diary: [] };
let lastGood = Date.now();
let bookRead = false;
let thread = "";
let allHandsets = false;
const shown = { ...CHOICE };
const rows = new Map(); // one row for each telephone on the page, by its place and number

// --- small things

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function label(element, zh, en) {
  const english = document.createElement("span");
  english.lang = "en";
  english.textContent = en;
  element.replaceChildren(zh && en ? `${zh} ` : zh, english);
}

function makeButton(zh, en, kind, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = kind;
  label(made, zh, en);
  made.addEventListener("click", async () => {
    made.disabled = true;
    await act();
    made.disabled = false;
  });
  return made;
}

async function ask(path, options) {
  try {
    const reply = await fetch(path, { cache: "no-store", ...options });
    const body = await reply.json().catch(() => null);
    if (reply.ok) return { body };
    const told = body && typeof body.detail === "string" ? body.detail : null;
    return { problem: told ?? "没有做成，请再试一次 / It did not work; try again" };
  } catch {
    return { problem: "应用没有回答 / The application does not answer" };
  }
}

async function post(path, body) {
  const { problem } = await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  $("problem").hidden = !problem;
  put($("problem"), problem ?? "");
  await refresh();
  return !problem;
}

const ring = (number, action, body) => post(`/town/phones/${encodeURIComponent(number)}/${action}`, body);

function time(iso) {
  const format = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", timeZone: "Asia/Shanghai" };
  return new Date(iso).toLocaleString("zh-CN", format);
}

// --- telephones

function modeOf(call) {
  if (!call || call.state === "over") return "idle";
  if (call.state === "talking") return "talking";
  return call.direction === "in" ? "rung" : "dialling";
}

function nameOf(number) {
  return book.get(number)?.name ?? "";
}

function lineOf(call) {
  if (!call) return "";
  const name = nameOf(call.other) || call.name;
  const who = name && name !== call.other ? `${name} ${call.other}` : call.other || "未知号码 unknown";
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - call.since));
  if (call.state === "over") return `已挂断 ended · ${who}`;
  if (call.state === "talking") return `通话中 talking ${seconds} s · ${who}${call.keys ? ` · 按了 pressed ${call.keys}` : ""}`;
  if (call.direction === "in") return `响铃 ringing ${seconds} s · ${who}`;
  return `正在呼叫 calling ${who} ${seconds} s`;
}

function actionsFor(phone, mode) {
  const dial = (number) => () => ring(phone.number, "dial", { number });
  if (mode === "idle") {
    if (phone.kind === "device") return [makeButton("按求助键", "press", "alarm", dial(phone.dials))];
    if (["resident", "provider"].includes(phone.kind)) {
      return [makeButton("拨 81890", "dial", "", dial("81890"))];
    }
    if (STANDS.has(phone.kind)) return [];
    const idle = document.createElement("span");
    idle.className = "idle";
    label(idle, "空闲", "idle");
    return [idle];
  }
  const end = (zh, en) => makeButton(zh, en, "quiet", () => ring(phone.number, "hang-up"));
  if (mode === "rung") return [makeButton("接听", "answer", "", () => ring(phone.number, "answer")), end("拒接", "refuse")];
  const made = [end("挂断", "hang up")];
  if (mode === "talking" && STANDS.has(phone.kind)) {
    made.unshift(makeButton("按 1 接下", "press 1", "", () => ring(phone.number, "press", { keys: "1" })));
  }
  return made;
}

function makeRow(phone) {
  const element = $("phone").content.firstElementChild.cloneNode(true);
  const parts = {};
  for (const part of element.querySelectorAll("[data-part]")) parts[part.dataset.part] = part;
  put(parts.name, phone.name);
  put(parts.english, phone.english);
  put(parts.number, phone.kind === "seat" ? "" : phone.number);
  put(parts.place, phone.place);
  parts.place.hidden = !phone.place;
  for (const key of "123456789*0#") {
    parts.pad.append(makeButton(key, "", "quiet", () => ring(phone.number, "press", { keys: key })));
  }
  parts.does.addEventListener("change", () => ring(phone.number, "when-rung", { does: parts.does.value }));
  element.dataset.number = phone.number;
  element.dataset.kind = phone.kind;
  return { element, parts, mode: "" };
}

function showRow(place, phone) {
  const id = `${place.id} ${phone.number}`;
  const row = rows.get(id) ?? makeRow(phone);
  rows.set(id, row);
  const call = state.calls[phone.number];
  const mode = modeOf(call);
  if (mode !== row.mode) {
    row.parts.actions.replaceChildren(...actionsFor(phone, mode));
    row.mode = row.element.dataset.mode = mode;
    row.parts.does.hidden = mode !== "idle" || !STANDS.has(phone.kind);
  }
  put(row.parts.line, lineOf(call));
  row.parts.pad.hidden = mode !== "talking";
  const does = state.does[phone.number] ?? "rings";
  if (document.activeElement !== row.parts.does && row.parts.does.value !== does) row.parts.does.value = does;
  return row.element;
}

function fill(place, phones) {
  const wanted = phones.map((phone) => showRow(place, phone));
  if (wanted.length !== place.children.length || wanted.some((element, n) => place.children[n] !== element)) {
    place.replaceChildren(...wanted);
  }
}

function ofKind(kind) {
  return [...book.values()].filter((phone) => phone.kind === kind);
}

function showCallers() {
  const wanted = $("search").value.trim().toLowerCase();
  $("found").hidden = !wanted;
  $("chosen").hidden = Boolean(wanted);
  if (wanted) {
    const has = (phone) => `${phone.name} ${phone.english} ${phone.number} ${phone.place}`.toLowerCase().includes(wanted);
    const found = [...book.values()].filter((phone) => phone.kind !== "seat" && has(phone));
    put($("found-count"), found.length > FOUND ? `${FOUND} / ${found.length}` : String(found.length));
    fill($("phones-found"), found.slice(0, FOUND));
    return;
  }
  for (const kind of Object.keys(CHOICE)) {
    const all = ofKind(kind);
    // Whoever is in a call stays in sight, also when found by search and not among the first.
    const chosen = all.filter((phone, n) => n < shown[kind] || modeOf(state.calls[phone.number]) !== "idle");
    fill($(`phones-${kind}`), chosen);
    document.querySelector(`[data-more="${kind}"]`).hidden = shown[kind] >= all.length;
  }
}

function showAnswerers() {
  fill($("phones-seat"), ofKind("seat"));
  fill($("phones-duty"), ofKind("duty"));
  const there = new Set(["seat", "duty"]);
  const rung = Object.entries(state.calls)
    .filter(([number, call]) => call.direction === "in" && !there.has(book.get(number)?.kind))
    .map(([number]) => book.get(number))
    .filter(Boolean);
  fill($("phones-rung"), rung);
  $("none-rung").hidden = rung.length > 0;
  const ringing = Object.values(state.calls).filter((call) => modeOf(call) === "rung").length;
  $("jump-rings").hidden = ringing === 0;
  put($("jump-rings"), String(ringing));
  document.title = ringing ? `响铃 ${ringing} · 小镇 The town` : "小镇 · The town";
}

// --- text messages

// How many messages of each handset were read on this browser; a new home starts its count anew.
const seen = new Map(JSON.parse(localStorage.getItem("town-read") ?? "[]"));

function unread(handset) {
  const read = seen.get(handset.number) ?? 0;
  return read > handset.count ? handset.count : handset.count - read;
}

function markRead(handset) {
  if (seen.get(handset.number) === handset.count) return;
  seen.set(handset.number, handset.count);
  localStorage.setItem("town-read", JSON.stringify([...seen].slice(-200)));
}

function personOf(handset) {
  return byHandset.get(handset) ?? { number: handset, name: handset, english: "", kind: "" };
}

function handsetButton(handset) {
  const person = personOf(handset.number);
  const made = document.createElement("button");
  made.type = "button";
  const who = document.createElement("span");
  const sub = document.createElement("span");
  sub.lang = "en";
  sub.textContent = person.english;
  who.append(person.name, sub);
  made.append(who);
  const count = unread(handset);
  if (count) {
    const badge = document.createElement("span");
    badge.className = "badge";
    badge.textContent = `新 ${count}`;
    made.append(badge);
  }
  made.setAttribute("aria-pressed", String(handset.number === thread));
  made.dataset.handset = person.number;
  made.addEventListener("click", () => openThread(handset.number));
  return made;
}

function showHandsets() {
  const all = state.handsets;
  const fresh = all.filter((handset) => handset.number !== thread && unread(handset));
  // The server gives the latest first; what was not read yet floats above the rest.
  const sorted = [...all].sort((a, b) => Number(unread(b) > 0) - Number(unread(a) > 0));
  const chosen = allHandsets ? sorted : sorted.slice(0, HANDSETS);
  const open = all.find((handset) => handset.number === thread);
  if (open && !chosen.includes(open)) chosen.push(open);
  const key = JSON.stringify([thread, chosen.map((handset) => [handset.number, unread(handset)])]);
  if ($("handsets").dataset.key !== key) {
    $("handsets").dataset.key = key;
    $("handsets").replaceChildren(...chosen.map(handsetButton));
  }
  $("none-texts").hidden = all.length > 0;
  $("more-handsets").hidden = allHandsets || all.length <= HANDSETS;
  $("jump-texts").hidden = fresh.length === 0;
  put($("jump-texts"), String(fresh.length));
  if (!thread && all.length) openThread(sorted[0].number);
}

function openThread(number) {
  thread = number;
  const person = personOf(number);
  put($("thread-name"), person.name);
  put($("thread-english"), person.english);
  put($("thread-number"), person.name === person.number ? "" : person.number);
  $("thread").hidden = false;
  $("messages").dataset.key = "";
  const quick = QUICK[person.kind] ?? [];
  $("quick").replaceChildren(
    ...quick.map(([text, zh, en]) => {
      const made = makeButton(zh ? `${text}　${zh}` : text, en, "quiet", () => sendReply(text));
      made.dataset.text = text;
      return made;
    }),
  );
  readThread();
}

function sendReply(text) {
  return post(`/town/handsets/${encodeURIComponent(thread)}/replies`, { text });
}

async function readThread() {
  const open = thread;
  if (!open) return;
  const { body } = await ask(`/town/handsets/${encodeURIComponent(open)}/messages`);
  if (!body || open !== thread) return;
  const handset = state.handsets.find((one) => one.number === open);
  if (handset && !document.hidden) markRead(handset);
  const key = JSON.stringify(body);
  const list = $("messages");
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(
    ...body.slice(-40).map((message) => {
      const item = document.createElement("li");
      const when = document.createElement("time");
      when.dateTime = message.at;
      when.textContent = `${time(message.at)} ${message.from === "me" ? "本机 me" : "热线中心 centre"}`;
      item.className = message.from === "me" ? "mine" : "";
      item.append(when, message.text);
      return item;
    }),
  );
  list.scrollTop = list.scrollHeight;
}

// --- all of it

function showDiary() {
  const list = $("diary");
  const lines = [...state.diary].reverse();
  if (list.dataset.first === lines[0]) return;
  list.dataset.first = lines[0] ?? "";
  list.replaceChildren(
    ...lines.map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }),
  );
}

function show() {
  showAnswerers();
  showCallers();
  showHandsets();
  showDiary();
  if (state.now && $("now")) put($("now"), time(state.now));
}

async function readBook() {
  const { body } = await ask("/town/book");
  if (!body) return;
  // Residents with a mobile come first: they can be sent a text.
  const mobile = (phone) => phone.kind === "resident" && phone.number.length === 11 && phone.number.startsWith("1");
  const sorted = [...body.filter(mobile), ...body.filter((phone) => !mobile(phone))];
  book = new Map(sorted.map((phone) => [phone.number, phone]));
  byHandset = new Map(sorted.map((phone) => [phone.handset, phone]));
  bookRead = true;
}

async function refresh() {
  if (!bookRead) await readBook();
  const { body, problem } = await ask("/town/state");
  const stale = $("stale");
  if (problem) {
    const since = new Date(lastGood).toLocaleTimeString("zh-CN");
    put(stale, `${problem}（以下是 ${since} 的情形 · as of ${since}）`);
    stale.hidden = false;
    bookRead = false; // after a new start the town may have other telephones
    return;
  }
  lastGood = Date.now();
  stale.hidden = true;
  state = body;
  show();
  await readThread();
}

async function live() {
  await refresh();
  setTimeout(live, EVERY_MS);
}

$("search").addEventListener("input", showCallers);
$("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = event.target.elements.text;
  if (await sendReply(input.value)) input.value = "";
});
$("more-handsets").addEventListener("click", () => {
  allHandsets = true;
  showHandsets();
});
for (const more of document.querySelectorAll("[data-more]")) {
  more.addEventListener("click", () => {
    shown[more.dataset.more] += MORE;
    showCallers();
  });
}
for (const move of document.querySelectorAll("[data-clock]")) {
  move.addEventListener("click", () =>
    move.dataset.clock === "tomorrow" ? post("/town/clock/tomorrow") : post("/town/clock", { seconds: 15 * 60 }),
  );
}
live();
