// What a person reads goes through gettext. The dashboard brings the sentences of her language with
// the page (/words.js); a widget on somebody else's page finds none and speaks English.
export function _(text, values = {}) {
  const said = globalThis.django?.gettext?.(text) ?? text;
  return said.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}
