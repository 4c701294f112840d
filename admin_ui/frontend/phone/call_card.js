// One call as a card with large buttons.
import { button, h, refuse, say } from "./dom.js";
import { showLevel } from "./level.js";
import { _ } from "./words.js";

const MOST_TONES = 24; // on one line
export const NO_ADDRESS = _("This is no number or address.");
const STATES = { calling: _("Calling …"), ringing: _("is calling you"), talking: "", held: _("On hold"), ended: _("Ended") };

export function callCard(call, line) {
  const who = h("b", {}, nameOf(call));
  const state = h("span", { class: "phone-call-state" });
  const time = h("time", { role: "timer" }); // not read out each second
  const quality = h("p", { class: "phone-quality" });
  const tones = h("span", { class: "phone-tones", "aria-live": "off" }); // each key has been heard
  const meter = h("meter", { min: "0", max: "1", low: "0.05", optimum: "0.6", "aria-label": _("Level of what comes back"), hidden: true });
  const buttons = h("div", { class: "phone-buttons", "aria-live": "off" });
  const transfer = transferForm(call, line);
  const element = h("section", { class: "phone-card", "aria-label": _("Call with %(who)s", { who: call.address }), "data-call": call.id },
    h("header", {}, h("div", { class: "phone-who" }, who, h("small", {}, call.address)), time),
    state, tones, meter, quality, buttons, transfer.element);
  let shown = "";
  let hideLevel = null;

  function draw() {
    element.dataset.state = call.state;
    say(state, call.isTransferring ? _("Transferring …")
      : call.state === "calling" && call.isRinging ? _("It rings there …")
        : call.state === "talking" && call.isMuted ? _("They do not hear you.") : STATES[call.state]);
    say(tones, call.tones && _("Keys: %(keys)s", { keys: call.tones.slice(-MOST_TONES) }));
    const text = call.why || (call.state === "talking" ? call.quality.text : "");
    say(quality, text);
    quality.dataset.level = call.why ? "bad" : call.quality.level;
    const wanted = `${call.state} ${call.isMuted} ${call.isHeld}`;
    if (wanted !== shown) {
      const focused = focusedIn(buttons);
      const had = focused?.dataset.act;
      buttons.replaceChildren(...buttonsOf(call, line, transfer));
      // What it had may be gone: Answer has given its place to Mute, Cancel to Hang up.
      if (focused) (buttons.querySelector(`[data-act="${had}"]`) ?? buttons.querySelector("button"))?.focus();
      shown = wanted;
    }
    if (call.isEcho && call.state === "talking" && !hideLevel) {
      meter.hidden = false;
      hideLevel = showLevel(meter, call.audio.srcObject);
    }
    tick();
  }

  function tick() {
    time.textContent = call.answeredAt ? duration((Date.now() - call.answeredAt) / 1000) : "";
  }

  function remove() {
    hideLevel?.();
    element.remove();
  }

  return { element, draw, remove, tick, focus: () => buttons.querySelector("button")?.focus(), hasFocus: () => Boolean(focusedIn(element)) };
}

function buttonsOf(call, line, transfer) {
  if (call.isEcho && call.state === "talking") return [endButton(call, _("End the test"))];
  switch (call.state) {
    case "ringing":
      return [
        button(_("Answer"), "phone", () => line.answer(call), { class: "phone-call", "data-act": "answer", text: _("Answer") }),
        endButton(call, _("Reject")),
      ];
    case "calling":
      return [endButton(call, _("Cancel"))];
    case "ended":
      return [];
    default:
      return [
        button(call.isMuted ? _("Unmute") : _("Mute"), call.isMuted ? "microphoneOff" : "microphone",
          () => call.mute(!call.isMuted),
          { class: "phone-round", "data-act": "mute", "aria-pressed": String(call.isMuted), text: call.isMuted ? _("Unmute") : _("Mute") }),
        button(call.isHeld ? _("Resume") : _("Hold"), call.isHeld ? "play" : "pause", () => (call.isHeld ? line.resume(call) : call.hold(true)),
          { class: "phone-round", "data-act": "hold", "aria-pressed": String(call.isHeld), text: call.isHeld ? _("Resume") : _("Hold") }),
        button(_("Transfer"), "arrowForward", (event) => transfer.open(event.currentTarget),
          { class: "phone-round", "data-act": "transfer", text: _("Transfer") }),
        endButton(call, _("Hang up")),
      ];
  }
}

function endButton(call, label) {
  return button(label, "phoneOff", () => call.hangUp(), { class: "phone-end", "data-act": "end", text: label });
}

function transferForm(call, line) {
  let opener = null;
  const others = h("div", { class: "phone-others" });
  const target = h("input", {
    type: "text", "aria-label": _("Transfer to"), placeholder: _("Name, number or address"), autocapitalize: "none",
    spellcheck: "false", dir: "ltr", required: true,
  });
  const element = h("form", { class: "phone-transfer", hidden: true,
    onsubmit: (event) => {
      event.preventDefault();
      const uri = line.target(target.value);
      if (!uri) {
        refuse(target, NO_ADDRESS);
        return;
      }
      element.hidden = true;
      call.transfer(uri);
    },
    onkeydown: (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation(); // it refuses no call that rings meanwhile
      element.hidden = true;
      opener?.focus();
    },
  }, others, h("div", { class: "phone-field" }, target, h("button", { type: "submit", class: "phone-quiet" }, _("Transfer"))));

  function open(by) {
    opener = by;
    const candidates = line.calls.filter((one) => one !== call && (one.state === "held" || one.state === "talking"));
    others.replaceChildren(...candidates.map((one) =>
      h("button", { type: "button", class: "phone-quiet", title: one.address,
        onclick: () => {
          element.hidden = true;
          call.transfer(one);
        } }, _("Connect with %(who)s", { who: nameOf(one) }))));
    element.hidden = !element.hidden;
    if (!element.hidden) (others.querySelector("button") ?? target).focus();
  }

  return { element, open };
}

function nameOf(call) {
  return call.name || call.address.split("@")[0];
}

// The part of it that has the keyboard, also inside the widget's shadow.
function focusedIn(element) {
  const focused = element.getRootNode().activeElement;
  return focused && element.contains(focused) ? focused : null;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${pad(Math.floor((whole % 3600) / 60))}:${pad(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
