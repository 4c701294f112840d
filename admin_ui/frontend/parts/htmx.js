// htmx as one global, with the CSRF token on every change that it sends.
import htmx from "htmx.org";

window.htmx = htmx;
document.addEventListener("htmx:configRequest", (event) => {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field) event.detail.headers["X-CSRFToken"] = field.value;
});
