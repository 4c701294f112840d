// Loaded before the page is drawn: light or dark by the person's choice, else by the system's; and
// that scripts run, for what has no use without them.
const root = document.documentElement;
root.classList.add("scripted");
const dark = matchMedia("(prefers-color-scheme: dark)");

function apply() {
  const chosen = root.dataset.theme;
  root.dataset.bsTheme = chosen === "system" ? (dark.matches ? "dark" : "light") : chosen;
}

dark.addEventListener("change", apply);
apply();
