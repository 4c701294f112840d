// What the phone remembers in this browser: recent calls, messages, devices.
const MOST_CALLS = 100;
const MOST_MESSAGES = 300;

export class Memory {
  #prefix;

  constructor(address) {
    this.#prefix = `fedsip.${address}.`;
  }

  get calls() {
    return this.#read("calls", []);
  }

  // Whatever rings or comes does so in each tab, and is one: who has answered it says what became of it.
  addCall(call) {
    const { calls } = this;
    if (call.outcome !== "answered" && calls.some(({ id }) => id === call.id)) return;
    this.#write("calls", [call, ...calls.filter(({ id }) => id !== call.id)].slice(0, MOST_CALLS));
  }

  get messages() {
    return this.#read("messages", []);
  }

  addMessage(message) {
    const { messages } = this;
    if (messages.some(({ id }) => id === message.id)) return;
    this.#write("messages", [...messages, message].slice(-MOST_MESSAGES));
  }

  // Whatever another tab adds is told.
  whenChanged(act) {
    addEventListener("storage", ({ key }) => {
      if (key === null || key.startsWith(this.#prefix)) act();
    });
  }

  device(kind) {
    return this.#read(kind, "");
  }

  setDevice(kind, deviceId) {
    this.#write(kind, deviceId);
  }

  #read(name, absent) {
    try {
      return JSON.parse(localStorage.getItem(this.#prefix + name)) ?? absent;
    } catch {
      return absent;
    }
  }

  #write(name, value) {
    try {
      localStorage.setItem(this.#prefix + name, JSON.stringify(value));
    } catch {
      // Full, or forbidden: the phone works without.
    }
  }
}
