// Microphone and speaker: which, and a meter that shows whether anything is heard.
import { button, h } from "./dom.js";
import { showLevel } from "./level.js";
import { openMicrophone, whyNoMicrophone } from "./microphone.js";
import { _ } from "./words.js";

export function devicePanel(root, line, memory) {
  const microphone = h("select", { "aria-label": _("Microphone"), onchange: () => choose("microphone", microphone.value) });
  const speaker = h("select", { "aria-label": _("Speaker"), onchange: () => choose("speaker", speaker.value) });
  const meter = h("meter", { min: "0", max: "1", low: "0.05", optimum: "0.6", "aria-label": _("Level of the microphone") });
  const said = h("p", { class: "phone-hint", role: "status" }, _("Test it before you call: speak, and the bar moves."));
  const test = button(_("Test the microphone"), "microphone", () => (stopTest ? stopTest() : begin()),
    { class: "phone-quiet", text: _("Test the microphone") });
  let stopTest = null;

  root.append(h("div", { class: "phone-devices" },
    h("label", {}, _("Microphone"), microphone),
    h("label", {}, _("Speaker"), speaker),
    meter, test, said,
    button(_("Echo test call"), "ear", () => line.callOneself(), { class: "phone-quiet", text: _("Echo test call") }),
    h("p", { class: "phone-hint" }, _("A call to this page, by the way of all calls: you hear yourself a second after you speak."))));
  list();
  navigator.mediaDevices?.addEventListener("devicechange", list);

  async function list() {
    const found = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    fill(microphone, found.filter((one) => one.kind === "audioinput"), memory.device("microphone"));
    fill(speaker, found.filter((one) => one.kind === "audiooutput"), memory.device("speaker"));
    speaker.parentElement.hidden = !("setSinkId" in HTMLMediaElement.prototype);
  }

  function fill(select, devices, chosen) {
    const named = devices.filter((one) => one.deviceId && one.deviceId !== "default");
    select.replaceChildren(h("option", { value: "" }, _("As the system says")),
      ...named.map((one, at) => h("option", { value: one.deviceId }, one.label || `${select.ariaLabel} ${at + 1}`)));
    select.value = named.some((one) => one.deviceId === chosen) ? chosen : "";
  }

  function choose(kind, deviceId) {
    memory.setDevice(kind, deviceId);
    for (const call of line.calls) {
      const changed = kind === "microphone" ? call.useMicrophone(deviceId) : call.useSpeaker(deviceId);
      changed.catch((error) => { said.textContent = error.message; });
    }
    if (stopTest) {
      stopTest();
      begin();
    }
  }

  async function begin() {
    let stream;
    try {
      stream = await openMicrophone(memory.device("microphone"));
    } catch (error) {
      said.textContent = whyNoMicrophone(error);
      return;
    }
    list(); // now with names
    const hideLevel = showLevel(meter, stream);
    test.lastElementChild.textContent = _("Stop the test");
    stopTest = () => {
      hideLevel();
      for (const track of stream.getTracks()) track.stop();
      test.lastElementChild.textContent = _("Test the microphone");
      stopTest = null;
    };
  }
}
