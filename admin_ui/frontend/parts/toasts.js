// Messages stay ten seconds, longer while the pointer or the focus is on them.
const SHOWN_MS = 10_000;

export function toasts() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-dismiss]")) event.target.closest("[data-toast]").remove();
  });
  for (const toast of document.querySelectorAll("[data-toast]:not(.error)")) {
    let timer;
    const leave = () => { timer = setTimeout(() => toast.remove(), SHOWN_MS); };
    for (const name of ["pointerenter", "focusin"]) toast.addEventListener(name, () => clearTimeout(timer));
    for (const name of ["pointerleave", "focusout"]) toast.addEventListener(name, leave);
    leave();
  }
}
