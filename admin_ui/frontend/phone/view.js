// The phone as people see it: the page of the dashboard and the widget draw the same.
import { button, h, icon, refuse } from "./dom.js";
import { callCard, duration, NO_ADDRESS } from "./call_card.js";
import { devicePanel } from "./devices.js";
import { favouritePanel } from "./favourite_panel.js";
import { Ringing } from "./ringing.js";
import { _, date } from "./words.js";

const KEYS = "123456789*0#";
const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ", 0: "+" };
const STATES = {
  starting: ["warn", _("Connecting …")],
  online: ["good", _("Ready")],
  reconnecting: ["warn", _("Connection lost, trying again …")],
  refused: ["bad", _("Not signed in")],
  stopped: ["idle", _("Off")],
};
const TABS = { Recent: _("Recent"), Favourites: _("Favourites"), Messages: _("Messages"), Sound: _("Sound") };
const OUTCOMES = {
  answered: "", elsewhere: _("answered elsewhere"), missed: _("missed"), refused: _("refused"), busy: _("busy"), failed: _("did not work"), cancelled: _("cancelled"),
};

export class PhoneView {
  #root;
  #line;
  #memory;
  #ringing = new Ringing();
  #parts = {};
  #cards = new Map();
  #favourites = null; // a widget has none
  #partner = "";
  #isCompact;
  #title = document.title;
  #notices = new Map();

  constructor(root, line, memory, { isCompact = false, favourites = null } = {}) {
    this.#root = root;
    this.#line = line;
    this.#memory = memory;
    this.#isCompact = isCompact;
    if (favourites) {
      const does = { call: (address) => this.callTo(address), changed: () => this.#drawRecent() };
      this.#favourites = favouritePanel(favourites, does);
    }
    this.#build(isCompact);
    line.addEventListener("state", () => this.#drawState());
    line.addEventListener("calls", () => this.#drawCalls());
    line.addEventListener("ringing", ({ detail }) => this.#announce(detail));
    line.addEventListener("ended", ({ detail }) => this.#remember(detail));
    line.addEventListener("message", ({ detail }) => this.#messageCame(detail));
    this.#drawState();
    this.#drawRecent();
    this.#drawMessages();
    this.#favourites?.load();
    memory.whenChanged(() => {
      this.#drawRecent();
      this.#drawMessages();
    });
    setInterval(() => this.#drawTimes(), 1000);
  }

  // -- building

  #build(isCompact) {
    const parts = this.#parts;
    parts.dot = h("span", { class: "phone-dot" });
    parts.state = h("span", { role: "status" });
    parts.address = h("span", { class: "phone-own" });
    parts.typed = h("input", {
      type: "text", class: "phone-typed", "aria-label": _("Name, number or address to call"),
      placeholder: _("Name, number or address"), autocomplete: "off", autocapitalize: "none",
      spellcheck: "false", enterkeyhint: "go", maxlength: "200", dir: "ltr",
    });
    parts.callButton = h("button", { type: "submit", class: "phone-call" }, icon("phone"), h("span", {}, _("Call")));
    const dialler = h("form", { class: "phone-dialler", onsubmit: (event) => this.#dial(event) },
      h("div", { class: "phone-field" }, parts.typed,
        button(_("Delete the last character"), "backspace", () => this.#erase(), { class: "phone-quiet" })),
      h("div", { class: "phone-keys", role: "group", "aria-label": _("Keypad") }, [...KEYS].map((key) => this.#key(key))),
      parts.callButton);
    parts.calls = h("section", { class: "phone-calls", "aria-live": "polite", "aria-label": _("Calls") });
    parts.recent = h("ul", { class: "phone-list" });
    parts.threads = h("ul", { class: "phone-list phone-messages", "aria-live": "polite" });
    parts.text = h("input", { type: "text", "aria-label": _("Message"), placeholder: _("Message"), maxlength: "1000" });
    parts.partner = h("input", {
      type: "text", "aria-label": _("Send to"), placeholder: _("To: name or address"), autocapitalize: "none",
      spellcheck: "false", dir: "ltr", oninput: () => { this.#partner = parts.partner.value; },
    });
    parts.problem = h("p", { class: "phone-problem", role: "alert" });
    const writer = h("form", { class: "phone-writer", onsubmit: (event) => this.#send(event) },
      parts.partner, h("div", { class: "phone-field" }, parts.text,
        h("button", { type: "submit", class: "phone-quiet", "aria-label": _("Send") }, icon("send"))));
    parts.devices = h("div", {});
    const tabs = this.#tabs({
      Recent: [parts.recent],
      ...(this.#favourites && { Favourites: this.#favourites.parts }),
      Messages: [parts.threads, writer, parts.problem],
      Sound: [parts.devices, isCompact ? null : noticeButton()],
    });
    parts.signIn = button(_("Sign in"), null, () => location.reload(), { class: "phone-quiet", text: _("Sign in") });
    const status = h("p", { class: "phone-status" }, parts.dot, parts.state, parts.signIn, parts.address);
    parts.failed = h("p", { class: "phone-problem", role: "alert" }); // of the last call
    this.#root.classList.add("phone");
    this.#root.classList.toggle("phone-compact", isCompact);
    this.#root.replaceChildren(h("div", { class: "phone-main" }, status, parts.failed, parts.calls, dialler), tabs);
    this.#root.addEventListener("keydown", (event) => this.#shortcut(event));
    devicePanel(parts.devices, this.#line, this.#memory);
  }

  #key(key) {
    return h("button", { type: "button", class: "phone-key", onclick: () => this.#press(key) },
      h("b", {}, key), h("small", { "aria-hidden": "true" }, LETTERS[key] ?? ""));
  }

  #tabs(panels) {
    const names = Object.keys(panels);
    const show = (chosen) => {
      for (const name of names) {
        const isChosen = name === chosen;
        heads[name].setAttribute("aria-selected", String(isChosen));
        heads[name].tabIndex = isChosen ? 0 : -1;
        bodies[name].hidden = !isChosen;
      }
      if (chosen === "Messages") heads.Messages.classList.remove("phone-new");
    };
    const heads = {};
    const bodies = {};
    for (const [at, name] of names.entries()) {
      const id = `phone-${name.toLowerCase()}`;
      heads[name] = h("button", {
        type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id, onclick: () => show(name),
        onkeydown: (event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (!step) return;
          const next = names[(at + step + names.length) % names.length];
          show(next);
          heads[next].focus();
        },
      }, TABS[name]);
      bodies[name] = h("div", { role: "tabpanel", id, "aria-labelledby": `${id}-tab` }, panels[name]);
    }
    show(names[0]);
    this.#parts.messagesTab = heads.Messages;
    this.#parts.showTab = show;
    return h("div", { class: "phone-side" }, h("div", { role: "tablist", class: "phone-tabs" }, Object.values(heads)),
      Object.values(bodies));
  }

  // -- what a person does

  #dial(event) {
    event.preventDefault();
    const typed = this.#parts.typed.value.trim();
    if (!typed) {
      const [last] = this.#memory.calls;
      if (last) this.#parts.typed.value = last.address;
      return;
    }
    this.callTo(typed);
  }

  callTo(typed) {
    const call = this.#line.call(typed);
    if (!call) {
      refuse(this.#parts.typed, NO_ADDRESS);
      return;
    }
    this.#parts.typed.value = "";
  }

  #erase() {
    this.#parts.typed.value = this.#parts.typed.value.slice(0, -1);
    this.#parts.typed.focus();
  }

  #press(key) {
    const talking = this.#line.calls.find((call) => call.state === "talking" || call.isEarly);
    if (talking) talking.dial(key);
    else this.#parts.typed.value += key;
  }

  #shortcut(event) {
    if (event.key !== "Escape") return;
    const ringing = this.#line.calls.find((call) => call.state === "ringing");
    if (ringing) ringing.hangUp();
  }

  async #send(event) {
    event.preventDefault();
    const { text, partner, problem } = this.#parts;
    if (!text.value.trim() || !partner.value.trim()) return;
    problem.textContent = "";
    const said = text.value;
    try {
      const address = await this.#line.say(partner.value, said);
      text.value = "";
      this.#memory.addMessage({ id: crypto.randomUUID(), at: Date.now(), with: address, text: said, isMine: true });
      this.#drawMessages();
    } catch (error) {
      problem.textContent = error.message;
    }
  }

  // -- what happens

  #announce(call) {
    if (this.#line.calls.length === 1) this.#ringing.play("ring");
    if (!document.hidden || !mayNotify("granted")) return;
    const notice = new Notification(whoCalls(call), { tag: call.id });
    notice.onclick = () => window.focus();
    this.#notices.set(call, notice);
  }

  #remember(call) {
    this.#parts.failed.textContent = call.why;
    if (call.isEcho) return;
    this.#memory.addCall({
      id: call.callId, address: call.address, name: call.name, isIncoming: call.isIncoming, at: call.startedAt,
      seconds: call.answeredAt ? Math.round((Date.now() - call.answeredAt) / 1000) : 0,
      outcome: call.outcome, why: call.why,
    });
    this.#drawRecent();
  }

  #messageCame({ id, from, text }) {
    this.#memory.addMessage({ id, at: Date.now(), with: from, text, isMine: false });
    if (!this.#partner) this.#parts.partner.value = this.#partner = from;
    if (this.#parts.messagesTab.getAttribute("aria-selected") !== "true") this.#parts.messagesTab.classList.add("phone-new");
    this.#drawMessages();
  }

  // -- drawing

  #drawState() {
    const [tone, text] = STATES[this.#line.state];
    this.#parts.dot.className = `phone-dot ${tone}`;
    const resuming = this.#line.hasCallsToTakeUp ? _("Taking your call up again …") : text;
    this.#parts.state.textContent = this.#line.why || resuming;
    this.#parts.address.textContent = this.#line.address;
    this.#parts.signIn.hidden = !this.#line.isSignedOut;
    this.#parts.callButton.disabled = this.#line.state !== "online";
    this.#root.dataset.state = this.#line.state;
  }

  #drawCalls() {
    const calls = this.#line.calls;
    for (const [call, card] of this.#cards) {
      if (calls.includes(call)) continue;
      const hadFocus = card.hasFocus();
      card.remove();
      this.#cards.delete(call);
      if (hadFocus) this.#parts.typed.focus();
    }
    for (const call of calls) {
      const isNew = !this.#cards.has(call);
      if (isNew) {
        const card = callCard(call, this.#line);
        this.#cards.set(call, card);
        this.#parts.calls.append(card.element);
        this.#parts.failed.textContent = ""; // why the one before failed has been read
      }
      this.#cards.get(call).draw();
      if (isNew && call.state === "ringing" && !this.#isTyping()) this.#cards.get(call).focus();
    }
    const ringing = calls.find((call) => call.state === "ringing");
    if (!this.#isCompact) document.title = ringing ? whoCalls(ringing) : this.#title;
    const isTalking = calls.some((call) => call.state === "talking");
    for (const [call, notice] of this.#notices) {
      if (call.state === "ringing") continue;
      notice.close();
      this.#notices.delete(call);
    }
    const isWaiting = calls.some((call) => call.state === "calling" && call.isRinging && !call.isEarly);
    this.#ringing.play(ringing ? (isTalking ? "waiting" : "ring") : isWaiting ? "ringback" : "");
    this.#root.classList.toggle("phone-busy", calls.length > 0);
  }

  // Whoever writes must not answer a call by the Enter that ends her line.
  #isTyping() {
    return Boolean(this.#root.getRootNode().activeElement?.matches("input, select, textarea"));
  }

  #drawTimes() {
    for (const card of this.#cards.values()) card.tick();
  }

  #drawRecent() {
    const calls = this.#memory.calls;
    this.#parts.recent.replaceChildren(...(calls.length ? calls.map((one) => this.#recentLine(one))
      : [h("li", { class: "phone-empty" }, _("Calls that you make and get stand here."))]));
  }

  #recentLine(one) {
    const word = (one.isIncoming ? OUTCOMES : { ...OUTCOMES, missed: _("no answer") })[one.outcome] ?? "";
    const missed = one.isIncoming && one.outcome === "missed";
    return h("li", { class: missed ? "phone-row phone-missed" : "phone-row" },
      h("button", { type: "button", class: "phone-line", title: _("Call %(who)s", { who: one.address }), onclick: () => this.callTo(one.address) },
        icon(one.isIncoming ? "phoneIncoming" : "phoneOutgoing"),
        h("span", { class: "phone-who" }, h("b", {}, one.name || one.address.split("@")[0]), h("small", {}, one.address)),
        h("span", { class: "phone-when", title: one.why || undefined }, when(one.at), h("small", {}, one.seconds ? duration(one.seconds) : word))),
      this.#favourites?.star(one));
  }

  #drawMessages() {
    const messages = this.#memory.messages;
    const list = this.#parts.threads;
    list.replaceChildren(...(messages.length ? messages.map((one) =>
      h("li", { class: one.isMine ? "phone-mine" : "phone-theirs" },
        h("small", {}, `${one.isMine ? _("to %(who)s", { who: one.with }) : one.with} · ${when(one.at)}`), h("span", { dir: "auto" }, one.text)))
      : [h("li", { class: "phone-empty" }, _("Short messages to and from other users."))]));
    list.scrollTop = list.scrollHeight;
  }
}

function whoCalls(call) {
  return _("%(who)s calls", { who: call.name || call.address });
}

function mayNotify(permission) {
  return "Notification" in window && Notification.permission === permission;
}

// Asked for by a click alone: browsers give it no other way.
function noticeButton() {
  if (!mayNotify("default")) return null;
  const text = _("Show calls while other pages are in front");
  const asking = button(text, "phoneIncoming", async () => {
    await Notification.requestPermission();
    if (!mayNotify("default")) asking.remove();
  }, { class: "phone-quiet phone-notices", text });
  return asking;
}

function when(at) {
  const isToday = new Date(at).toDateString() === new Date().toDateString();
  return date(at, isToday ? { timeStyle: "short" } : { dateStyle: "medium" });
}
