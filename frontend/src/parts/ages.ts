// Times as people say them, ticking: 3 分钟前, 剩 40 秒. The exact second is in the title, made by the server.

import { t } from "./words";

let offset = 0;

/** The server's clock, in seconds since 1970: ages are counted from it, not from this machine's. */
export function setClock(seconds: number): void {
  offset = seconds * 1000 - Date.now();
}

export const now = (): number => Date.now() + offset;

export function length(seconds: number): string {
  if (seconds < 60) return t(`${seconds} 秒`, `${seconds} s`);
  if (seconds < 3600) return t(`${Math.floor(seconds / 60)} 分钟`, `${Math.floor(seconds / 60)} min`);
  if (seconds < 86_400) return t(`${Math.floor(seconds / 3600)} 小时`, `${Math.floor(seconds / 3600)} h`);
  return t(`${Math.floor(seconds / 86_400)} 天`, `${Math.floor(seconds / 86_400)} d`);
}

export function tick(root: ParentNode = document): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-age]")) {
    const age = Math.floor((now() - Date.parse(element.dateTime)) / 1000);
    show(element, age < 1 ? t("刚刚", "just now") : t(`${length(age)}前`, `${length(age)} ago`));
  }
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-due]")) {
    const left = Math.ceil((Date.parse(element.dateTime) - now()) / 1000);
    show(element, left > 0 ? t(`剩 ${length(left)}`, `${length(left)} left`) : t(`已过 ${length(-left)}`, `${length(-left)} over`));
    element.classList.toggle("due-soon", left > 0 && left <= 300);
    element.classList.toggle("due-over", left <= 0);
  }
}

function show(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
