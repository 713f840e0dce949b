// One siren, one ring. Only one tab of the browser sounds, the one that holds the lock; loudness is the operator's.

const STEP_MS = 450;

let context: AudioContext | undefined;
let leading = false;
let silentUntil = 0;
let sounding = 0;

export function leadIfFirst(): void {
  if (!("locks" in navigator)) {
    leading = true; // no locks, no way to know of other tabs: two sirens are better than none
    return;
  }
  void navigator.locks.request("callcenter-siren", () => {
    leading = true;
    return new Promise<void>(() => undefined);
  });
}

export const allowed = (): boolean => audio().state === "running";

export function allow(): Promise<void> {
  return audio().resume();
}

export function silence(minutes: number): void {
  silentUntil = Date.now() + minutes * 60_000;
}

/** Sound while `wanted()`; asked again at every beat of the siren. */
export function watch(wanted: () => boolean): void {
  setInterval(() => {
    const on = wanted() && Date.now() >= silentUntil;
    document.documentElement.dataset["siren"] = on ? (leading && allowed() ? "on" : "elsewhere") : "off";
    if (on && leading && allowed()) tone(sounding++ % 2 === 0 ? 880 : 660, STEP_MS, loudness());
  }, STEP_MS);
}

/** A call has come to this seat. */
export function ring(): void {
  if (leading && allowed()) tone(520, 180, loudness() / 2);
}

function tone(hertz: number, milliseconds: number, volume: number): void {
  const player = audio();
  const oscillator = player.createOscillator();
  const gain = player.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, player.currentTime);
  gain.gain.linearRampToValueAtTime(volume, player.currentTime + 0.02);
  gain.gain.linearRampToValueAtTime(0, player.currentTime + milliseconds / 1000);
  oscillator.connect(gain).connect(player.destination);
  oscillator.start();
  oscillator.stop(player.currentTime + milliseconds / 1000);
}

/** Never wholly silent: silence needs a reason and a time. */
function loudness(): number {
  const told = Number(localStorage.getItem("callcenter-loudness") ?? "60");
  return Math.min(Math.max(told, 10), 100) / 100;
}

function audio(): AudioContext {
  context ??= new AudioContext();
  return context;
}
