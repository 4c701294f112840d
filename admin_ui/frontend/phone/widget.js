// The phone in a page of another site: behind its script's tag, or in the element that this names.
import styles from "./phone.css" with { type: "text" };
import { Line } from "./line.js";
import { Memory } from "./memory.js";
import { passOfToken } from "./passes.js";
import { PhoneView } from "./view.js";

export async function showWidget(script, { language, direction }) {
  const { token, renew, call, into } = script.dataset;
  const host = (into && document.querySelector(into)) || script.insertAdjacentElement("afterend", document.createElement("div"));
  const shadow = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet(); // needs no style-src 'unsafe-inline' of the page
  sheet.replaceSync(styles);
  shadow.adoptedStyleSheets = [sheet];
  const root = Object.assign(document.createElement("div"), { lang: language, dir: direction });
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
