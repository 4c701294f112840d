// What a person reads goes through gettext. The dashboard brings the sentences of her language with
// the page (/words.js); a widget asks for those of the page that it is in, before any is said.
const LONGEST_WAIT_MS = 5000;

let sentence = (text) => globalThis.django?.gettext?.(text) ?? text;
let language = document.documentElement.lang || undefined;

export function _(text, values = {}) {
  return sentence(text).replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}

export function date(at, form) {
  return new Intl.DateTimeFormat(language, form).format(at);
}

// In that language if the server has its sentences, else in English; never by another site's gettext.
// Gives the language and the direction in which it is written.
export async function speak(asked, server) {
  const told = { language: "en", direction: "ltr", sentences: {} };
  if (asked && !/^en\b/i.test(asked)) {
    try {
      const at = new URL(`/words.json?language=${encodeURIComponent(asked)}`, server);
      const answer = await fetch(at, { credentials: "omit", signal: AbortSignal.timeout(LONGEST_WAIT_MS) });
      if (!answer.ok) throw new Error(`${at} answers ${answer.status}`);
      Object.assign(told, await answer.json());
    } catch (error) {
      console.warn(`fedsip: the phone speaks English: ${error.message}`);
    }
  }
  sentence = (text) => told.sentences[text] ?? text;
  language = told.language;
  return told;
}
