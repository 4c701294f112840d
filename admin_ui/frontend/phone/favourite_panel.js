// The list of favourites, and the star that makes one of whoever was called.
import { button, h } from "./dom.js";
import { _ } from "./words.js";

export function favouritePanel(favourites, { call, changed }) {
  const list = h("ul", { class: "phone-list" });
  const address = h("input", {
    type: "text", "aria-label": _("Address of the favourite"), placeholder: _("Name, number or address"), required: true,
    autocapitalize: "none", spellcheck: "false", maxlength: "400", dir: "ltr",
  });
  const name = h("input", { type: "text", "aria-label": _("Name of the favourite"), placeholder: _("Called (if you like)"), maxlength: "100" });
  const problem = h("p", { class: "phone-problem", role: "alert" });
  const form = h("form", { class: "phone-writer", onsubmit: add }, address,
    h("div", { class: "phone-field" }, name, button(_("Add"), "plus", null, { type: "submit", class: "phone-quiet", text: _("Add") })));

  function draw() {
    list.replaceChildren(...(favourites.all.length ? favourites.all.map(line)
      : [h("li", { class: "phone-empty" }, _("Whom you call often stands here: add somebody below, or by the star beside a call."))]));
    changed();
  }

  function line(one) {
    return h("li", { class: "phone-row" },
      h("button", { type: "button", class: "phone-line", title: _("Call %(who)s", { who: one.address }), onclick: () => call(one.address) },
        h("span", { class: "phone-who" }, h("b", {}, one.name || one.address.split("@")[0]), h("small", {}, one.address))),
      button(_("Take %(who)s off", { who: one.name || one.address }), "x", () => act(() => favourites.remove(one)), { class: "phone-quiet" }));
  }

  async function act(what) {
    problem.textContent = "";
    try {
      await what();
      return true;
    } catch (error) {
      problem.textContent = error.message;
      return false;
    } finally {
      draw();
    }
  }

  async function add(event) {
    event.preventDefault();
    if (await act(() => favourites.add(address.value, name.value))) form.reset();
  }

  function star(who) {
    const known = favourites.find(who.address);
    const label = known ? _("Take off the favourites") : _("Make a favourite");
    return button(`${label}: ${who.address}`, known ? "starFilled" : "star",
      () => act(() => (known ? favourites.remove(known) : favourites.add(who.address, who.name ?? ""))),
      { class: "phone-quiet", "aria-pressed": String(Boolean(known)) });
  }

  return { parts: [list, form, problem], load: () => act(() => favourites.load()), star };
}
