// Which phone this page is (RFC 5626 s4.1): the same after a reload, and another one for each tab.
//
// A tab that is duplicated, or opened by another one, begins with a copy of that one's sessionStorage.
// So each page holds a lock of its phone's name while it lives. A reload waits until the page before
// it has gone; a copy is told by the page it was made of, and becomes a phone of its own.
import { forgetCalls, store } from "./resuming.js";

const NAME = "fedsip.instance";
const LONGEST_WAIT_MS = 5000; // for a page that goes, or one that is stuck and answers nothing

export async function claimInstance() {
  const known = store(() => sessionStorage.getItem(NAME));
  if (known && (await hold(known))) return known;
  if (known) forgetCalls(); // they are the other page's
  const made = crypto.randomUUID();
  await hold(made);
  store(() => sessionStorage.setItem(NAME, made));
  return made;
}

// Whether the phone is ours, from now on until the page goes.
function hold(instance) {
  const name = `${NAME}.${instance}`;
  const others = new BroadcastChannel(name);
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), LONGEST_WAIT_MS);
  others.onmessage = ({ data }) => { if (data === "mine") giveUp.abort(); };
  others.postMessage("whose?");
  return new Promise((resolve) => {
    const untilThePageGoes = () => {
      clearTimeout(timer);
      answer(others);
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(name, { signal: giveUp.signal }, untilThePageGoes).catch(() => {
      clearTimeout(timer);
      others.close();
      resolve(false);
    });
  });
}

function answer(others) {
  let isGoing = false;
  addEventListener("beforeunload", () => { isGoing = true; }); // what asks then is this page's own reload
  others.onmessage = ({ data }) => { if (data === "whose?" && !isGoing) others.postMessage("mine"); };
}
