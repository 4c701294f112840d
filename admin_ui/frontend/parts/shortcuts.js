// `/` and Ctrl-K go to the search; arrows walk through what it found; Escape leaves it.
export function shortcuts() {
  const field = document.querySelector("[data-shortcut]");
  if (!field) return;
  const found = document.getElementById("found");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    const asked = (event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing);
    if (!asked) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
  field.form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      found.replaceChildren();
      field.blur();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...found.querySelectorAll("a")];
    if (!step || !links.length) return;
    event.preventDefault();
    const at = links.indexOf(document.activeElement) + step;
    (at < 0 ? field : links[Math.min(at, links.length - 1)]).focus();
  });
  document.addEventListener("click", (event) => {
    if (!field.form.contains(event.target)) found.replaceChildren();
  });
}
