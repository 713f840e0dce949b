// Each action has a key, shown on its button. A key works unless something is being typed.

export function press(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const target = event.target as HTMLElement;
  if (target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, dialog[open]")) {
    if (event.key === "Escape") target.blur();
    return;
  }
  const found = find(event.key);
  if (!found) return;
  event.preventDefault();
  found.focus();
  found.click();
}

/** The first that is shown: the matter in hand goes before what waits, and both before the rail. */
function find(key: string): HTMLElement | undefined {
  for (const place of ["#matter", ".waiting", ".rail"]) {
    const candidates = document.querySelectorAll<HTMLElement>(`${place} [data-key="${CSS.escape(key)}"]`);
    for (const candidate of candidates) if (candidate.offsetParent !== null) return candidate;
  }
  return undefined;
}

export function list(into: HTMLElement): void {
  const seen = new Set<string>();
  into.replaceChildren();
  for (const element of document.querySelectorAll<HTMLElement>("#matter [data-key], .waiting [data-key], .rail [data-key]")) {
    const key = element.dataset["key"] ?? "";
    if (element.offsetParent === null || seen.has(key)) continue;
    seen.add(key);
    const name = document.createElement("dd");
    name.textContent = (element.getAttribute("aria-label") ?? element.innerText).replace(new RegExp(`\\s${key === "?" ? "\\?" : key}$`), "").trim();
    const shown = document.createElement("dt");
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    shown.append(kbd);
    into.append(shown, name);
  }
}
