// The dashboard's softphone page.
import { Favourites } from "../phone/favourites.js";
import { Line } from "../phone/line.js";
import { Memory } from "../phone/memory.js";
import { passOfSession } from "../phone/passes.js";
import { PhoneView } from "../phone/view.js";

const root = document.querySelector("[data-softphone]");
const { address, passAt, favouritesAt, csrf } = root.dataset;
const memory = new Memory(address);
const line = new Line(passOfSession(passAt, csrf), {
  microphone: () => memory.device("microphone"),
  speaker: () => memory.device("speaker"),
});
line.address = address;
const view = new PhoneView(root, line, memory, { favourites: new Favourites(favouritesAt, csrf) });
line.start();
const CHECK_EVERY_MS = 5 * 60_000;
setInterval(() => line.checkPass(), CHECK_EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") line.checkPass();
});
window.fedsipPhone = { line, view }; // for whoever drives the page: tests, and the browser's console
const asked = new URLSearchParams(location.search).get("call");
if (asked) root.querySelector(".phone-typed").value = asked;
