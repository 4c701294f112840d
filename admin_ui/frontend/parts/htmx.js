// htmx as one global, with the CSRF token on every change that it sends.
import htmx from "htmx.org";

window.htmx = htmx;
// What somebody has opened stays open when its part of the page comes anew.
const opened = new Set();
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  for (const one of detail.target.querySelectorAll("details[open][id]")) opened.add(one.id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened.clear();
});

document.addEventListener("htmx:configRequest", (event) => {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) event.detail.headers["X-CSRFToken"] = field.value;
});
