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

  addCall(call) {
    this.#write("calls", [call, ...this.calls].slice(0, MOST_CALLS));
  }

  get messages() {
    return this.#read("messages", []);
  }

  addMessage(message) {
    this.#write("messages", [...this.messages, message].slice(-MOST_MESSAGES));
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
