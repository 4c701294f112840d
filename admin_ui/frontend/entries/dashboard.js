// What every page of the dashboard loads. Every page works without it; these parts make it quicker.
import "../parts/htmx.js";
import { shortcuts } from "../parts/shortcuts.js";
import { menus } from "../parts/menus.js";
import { toasts } from "../parts/toasts.js";
import { durations, times } from "../parts/times.js";
import { copying } from "../parts/copying.js";
import { charts } from "../parts/charts.js";
import { ordering } from "../parts/ordering.js";
import { forms } from "../parts/forms.js";
import { ladder } from "../parts/ladder.js";
import { moments } from "../parts/moment.js";
import { live } from "../parts/live.js";

for (const begin of [shortcuts, menus, toasts, copying, forms, ladder, moments, durations, live]) begin(document);

// What htmx puts into the page later is brought to life as the page itself is.
const lively = [times, charts, ordering];
function enliven(part) {
  for (const begin of lively) begin(part);
}
enliven(document);
document.addEventListener("htmx:load", (event) => enliven(event.detail.elt));
