// What a call's final answer means to who has called.
import { _ } from "./words.js";

const SIGNED_OUT = ["failed", _("Your sign-in had ended; it is renewed. Call again.")];
const REFUSALS = {
  401: SIGNED_OUT,
  403: ["failed", _("This call is not allowed.")],
  404: ["failed", _("There is nobody of that name.")],
  407: SIGNED_OUT,
  408: ["missed", _("Nobody answered.")],
  480: ["missed", _("They are not there now.")],
  484: ["failed", _("The number is not complete.")],
  486: ["busy", _("Busy.")],
  487: ["cancelled", ""],
  488: ["failed", _("The other side cannot speak to a browser.")],
  503: ["failed", _("The call could not be carried just now.")],
  600: ["busy", _("Busy.")],
  603: ["refused", _("They refused the call.")],
};

// The outcome that the history tells, and why in words.
export function whatBecameOf({ statusCode, reasonPhrase }) {
  return REFUSALS[statusCode] ?? ["failed", reasonPhrase];
}
