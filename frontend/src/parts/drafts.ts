// What is half typed is never lost: not by a card that opens by itself, nor by a reload. Kept in this tab only.

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const PREFIX = "draft:";

export function keep(event: Event): void {
  const field = event.target as Field;
  const name = nameOf(field);
  if (name !== undefined) sessionStorage.setItem(name, field.value);
}

export function restore(root: ParentNode): void {
  for (const field of root.querySelectorAll<Field>("form[id] :is(input, textarea, select)[name]")) {
    const name = nameOf(field);
    const kept = name === undefined ? null : sessionStorage.getItem(name);
    if (kept === null || field.value === kept) continue;
    field.value = kept;
    const drop = field.closest("details");
    if (drop && kept !== "") drop.open = true;
  }
}

export function forget(form: HTMLFormElement): void {
  for (const field of form.querySelectorAll<Field>("[name]")) {
    const name = nameOf(field);
    if (name !== undefined) sessionStorage.removeItem(name);
  }
}

function nameOf(field: Field): string | undefined {
  const form = field.closest("form");
  if (!form?.id || "noDraft" in form.dataset || !field.name) return undefined;
  if (field instanceof HTMLInputElement && ["radio", "checkbox", "hidden", "password"].includes(field.type)) return undefined;
  const matter = field.closest<HTMLElement>("[data-call], [data-ticket]");
  const place = matter?.dataset["call"] ?? matter?.dataset["ticket"] ?? location.pathname + location.search;
  return `${PREFIX}${form.id}:${place}:${field.name}`;
}
