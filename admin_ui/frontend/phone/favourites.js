// Whom one calls often: kept by the platform, so that each browser of the user has them.
import { _ } from "./words.js";

export class Favourites {
  #at;
  #csrf;
  all = [];

  constructor(at, csrf) {
    this.#at = at;
    this.#csrf = csrf;
  }

  async load() {
    this.all = (await this.#ask("GET", this.#at)).results;
  }

  find(address) {
    return this.all.find((one) => one.address.toLowerCase() === address.toLowerCase());
  }

  async add(address, name) {
    this.all.push(await this.#ask("POST", this.#at, { address, name }));
  }

  async remove(favourite) {
    await this.#ask("DELETE", `${this.#at}/${favourite.id}`);
    this.all = this.all.filter((one) => one !== favourite);
  }

  async #ask(method, at, body) {
    const answer = await fetch(at, {
      method,
      headers: { "X-CSRFToken": this.#csrf, "Content-Type": "application/json", Accept: "application/json" },
      credentials: "same-origin",
      body: body && JSON.stringify(body),
    });
    if (answer.status === 204) return null;
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.errors?.[0]?.reason ?? said.detail ?? _("The server refused (%(status)s).", { status: answer.status }));
    return said;
  }
}
