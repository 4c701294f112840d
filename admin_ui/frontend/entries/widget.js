// A phone for any page: <script src=".../widget.js" data-token="..."></script>.
//
// The token is a pass from POST /api/v1/users/ADDRESS/pass; `data-renew` names a global function of
// the page that gives a new one before it expires. `data-call` makes it a button that calls there.
import styles from "../phone/phone.css" with { type: "text" };
import { Line } from "../phone/line.js";
import { Memory } from "../phone/memory.js";
import { passOfToken } from "../phone/passes.js";
import { PhoneView } from "../phone/view.js";

const script = document.currentScript;

async function begin() {
  const { token, renew, call, into } = script.dataset;
  const host = (into && document.querySelector(into)) || script.insertAdjacentElement("afterend", document.createElement("div"));
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // needs no style-src 'unsafe-inline' of the page
  sheet.replaceSync(styles);
  shadow.adoptedStyleSheets = [sheet];
  const root = document.createElement("div");
  shadow.append(root);
  const getPass = passOfToken(token, renew && (() => window[renew]()));
  const first = await getPass();
  const memory = new Memory(first.address);
  const passes = [first];
  const line = new Line(async () => passes.pop() ?? getPass(), {
    microphone: () => memory.device("microphone"),
    speaker: () => memory.device("speaker"),
  });
  const view = new PhoneView(root, line, memory, { isCompact: true });
  line.addEventListener("state", function callOnce() {
    if (line.state !== "online" || !call) return;
    line.removeEventListener("state", callOnce);
    root.querySelector(".phone-typed").value = call;
  });
  host.fedsipPhone = { line, view };
  await line.start();
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
