// A phone for any page: <script src=".../widget.js" data-token="..."></script>.
//
// The token is a pass from POST /api/v1/users/ADDRESS/pass; `data-renew` names a global function of
// the page that gives a new one before it expires. `data-call` makes it a button that calls there.
// It speaks the language of its tag, `lang`, or of what that stands in.
import { speak } from "../phone/words.js";

const script = document.currentScript;

async function begin() {
  const spoken = await speak(script.closest("[lang]")?.lang, script.src);
  const { showWidget } = await import("../phone/widget.js"); // whose words are said as it is read
  await showWidget(script, spoken);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
