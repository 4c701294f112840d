// A ladder's arrows open their message; hovering one shows all of its transaction.
export function ladder() {
  document.addEventListener("click", (event) => {
    const arrow = event.target.closest("[data-opens]");
    if (!arrow) return;
    const message = document.getElementById(arrow.dataset.opens);
    message.open = true;
    message.scrollIntoView({ block: "nearest" });
    event.preventDefault();
  });
  document.addEventListener("mouseover", (event) => {
    const arrow = event.target.closest("[data-transaction]");
    for (const other of document.querySelectorAll("[data-transaction]")) {
      other.classList.toggle("same", other.dataset.transaction === arrow?.dataset.transaction);
    }
  });
}
