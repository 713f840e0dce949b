// One event stream for all tabs of a browser: every tab connects to this worker, and it alone to the server.

type Message = { event: string; data: unknown };

const EVENTS = ["hello", "beat", "alarm", "changed", "answered", "reset", "over"];
const SILENT_MS = 12_000;
const AGAIN_MS = 1_000;

const ports = new Set<MessagePort>();
let source: EventSource | undefined;
let heardAt = Date.now();
let stale = false;
let hello: Message | undefined;

function tell(message: Message): void {
  for (const port of ports) port.postMessage(message);
}

function heard(): void {
  heardAt = Date.now();
  stale = false;
}

function connect(): void {
  source?.close();
  const opened = new EventSource("/events");
  source = opened;
  for (const event of EVENTS) {
    opened.addEventListener(event, (received) => {
      heard();
      const message = { event, data: JSON.parse((received as MessageEvent<string>).data) as unknown };
      if (event === "hello") hello = message;
      if (event === "over") opened.close();
      tell(message);
    });
  }
  opened.onerror = () => {
    goStale();
    // The browser comes back by itself unless the server refused: then find out why.
    if (opened.readyState === EventSource.CLOSED) setTimeout(() => void findOut(), AGAIN_MS);
  };
}

async function findOut(): Promise<void> {
  try {
    const answer = await fetch("/today", { redirect: "manual", headers: { "HX-Request": "true" } });
    if (answer.status === 401) {
      tell({ event: "over", data: {} });
      source = undefined;
      return;
    }
  } catch {
    // The server is away: try again.
  }
  connect();
}

function goStale(): void {
  if (stale) return;
  stale = true;
  hello = undefined;
  tell({ event: "stale", data: { since: heardAt } });
}

setInterval(() => {
  if (source !== undefined && Date.now() - heardAt > SILENT_MS) {
    goStale();
    heardAt = Date.now();
    connect();
  }
}, 2_000);

function join(port: MessagePort): void {
  ports.add(port);
  port.onmessage = (message: MessageEvent<string>) => {
    if (message.data === "leave") ports.delete(port);
  };
  if (source === undefined) connect();
  else if (hello !== undefined) port.postMessage(hello);
}

self.addEventListener("connect", (event) => {
  const port = (event as MessageEvent).ports[0];
  if (port) join(port);
});
