// The microphone that somebody has chosen, and why there is none.
import { _ } from "./words.js";

const WHY = {
  NotAllowedError: _("The browser may not use the microphone: allow it beside the page's address."),
  NotFoundError: _("There is no microphone."),
  NotReadableError: _("Another program holds the microphone."),
};

// The chosen one, or the system's own where it has been unplugged since. Asked for exactly: Chrome takes
// the system's own before one that is only `ideal`.
export async function openMicrophone(deviceId) {
  if (deviceId) {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { deviceId: { exact: deviceId } } });
    } catch (error) {
      if (error.name !== "OverconstrainedError" && error.name !== "NotFoundError") throw error;
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio: true });
}

export function whyNoMicrophone({ name, message }) {
  return WHY[name] ?? message;
}
