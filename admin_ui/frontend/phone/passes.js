// Where the pass comes from: a signed-in person's session, or the token of whoever embeds the widget.
import { _ } from "./words.js";

// Of whoever may not telephone here any more; what else goes wrong may be better the next time.
export class NoPass extends Error {
  constructor(why, { mustSignIn = false } = {}) {
    super(why);
    this.mustSignIn = mustSignIn;
  }
}

export function passOfSession(address, csrfToken) {
  return async () => {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "X-CSRFToken": csrfToken, Accept: "application/json" },
      credentials: "same-origin",
    });
    if (answer.ok) return answer.json();
    const { status } = answer;
    if (status === 401 || status === 403) throw new NoPass(_("You are signed out here."), { mustSignIn: true });
    if (status === 404) throw new NoPass(_("You have no phone any more."));
    throw new Error(_("The server gives no pass (%(status)s).", { status }));
  };
}

// `renew` is the page's own function for a new token; without one the phone ends with its token.
export function passOfToken(token, renew) {
  let given = token;
  return async () => {
    if (given === null && !renew) throw new Error(_("The pass has expired."));
    const text = given ?? (await renew());
    given = null;
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  };
}
