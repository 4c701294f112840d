// Small comforts of forms: choose all rows, tell how many are chosen, send filters at once, and keep
// rows as they are while some of them are chosen.
export function forms() {
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-all]");
    if (all) for (const box of boxes(all.form)) box.checked = all.checked;
    if (event.target.closest("[data-all], [data-pick]")) count(event.target.form);
    if (event.target.closest("[data-submits]")) event.target.form.requestSubmit();
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.querySelector("[data-pick]:checked")) event.preventDefault();
  });
}

const boxes = (form) => [...form.elements].filter((element) => element.matches("[data-pick]"));

function count(form) {
  const bar = form.querySelector("[data-chosen]");
  const chosen = boxes(form).filter((box) => box.checked).length;
  bar.classList.toggle("some", chosen > 0);
  bar.querySelector("b").textContent = chosen;
}
