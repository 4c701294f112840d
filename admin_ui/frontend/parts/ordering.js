// Drag to reorder; the arrow buttons of each row do the same by keyboard and without scripts.
import Sortable from "sortablejs";

export function ordering(part) {
  for (const list of part.querySelectorAll("[data-order]")) {
    if (Sortable.get(list)) continue;
    Sortable.create(list, {
      handle: ".grip",
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
      onEnd: ({ oldIndex, newIndex }) => { if (oldIndex !== newIndex) save(list); },
    });
  }
}

function save(list) {
  const rules = [...list.querySelectorAll("[data-rule]")].map((row) => row.dataset.rule);
  window.htmx.ajax("POST", list.dataset.order, { target: list, swap: "outerHTML", values: { rule: rules } });
}
