// A picture wider than its place is first seen at its middle, where a drawing begins.

export function start(): void {
  document.addEventListener(
    "load", // does not bubble, but can be caught on its way down
    (event) => {
      const place = event.target instanceof HTMLImageElement ? event.target.closest("[data-centre]") : null;
      if (place) place.scrollLeft = (place.scrollWidth - place.clientWidth) / 2;
    },
    true,
  );
}
