// Elements from words, and the icons that the phone uses (bundled, so that a widget needs no sprite).
import arrowForward from "@tabler/icons/outline/arrow-forward-up.svg";
import backspace from "@tabler/icons/outline/backspace.svg";
import dialpad from "@tabler/icons/outline/dialpad.svg";
import ear from "@tabler/icons/outline/ear.svg";
import message from "@tabler/icons/outline/message.svg";
import microphone from "@tabler/icons/outline/microphone.svg";
import microphoneOff from "@tabler/icons/outline/microphone-off.svg";
import pause from "@tabler/icons/outline/player-pause.svg";
import phone from "@tabler/icons/outline/phone.svg";
import phoneIncoming from "@tabler/icons/outline/phone-incoming.svg";
import phoneOff from "@tabler/icons/outline/phone-off.svg";
import phoneOutgoing from "@tabler/icons/outline/phone-outgoing.svg";
import play from "@tabler/icons/outline/player-play.svg";
import plus from "@tabler/icons/outline/plus.svg";
import send from "@tabler/icons/outline/send.svg";
import star from "@tabler/icons/outline/star.svg";
import starFilled from "@tabler/icons/filled/star.svg";
import x from "@tabler/icons/outline/x.svg";

const ICONS = {
  arrowForward, backspace, dialpad, ear, message, microphone, microphoneOff, pause, phone, phoneIncoming,
  phoneOff, phoneOutgoing, play, plus, send, star, starFilled, x,
};

export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list" && typeof value !== "string") element[key] = value;
    else element.setAttribute(key === "class" ? "class" : key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

export function icon(name) {
  const parsed = new DOMParser().parseFromString(ICONS[name], "image/svg+xml").documentElement;
  const drawn = document.importNode(parsed, true);
  drawn.setAttribute("class", "icon");
  drawn.setAttribute("aria-hidden", "true");
  return drawn;
}

// Say beside a field why what is typed there will not do.
export function refuse(field, why) {
  field.setCustomValidity(why);
  field.reportValidity();
  field.setCustomValidity("");
}

// Only what has changed is read out.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function button(label, iconName, act, properties = {}) {
  const { text, ...others } = properties;
  return h("button", { type: "button", class: "btn", "aria-label": label, title: label, onclick: act, ...others },
    iconName ? icon(iconName) : null, text ? h("span", {}, text) : null);
}
