// Ring tones from oscillators: nothing to load. The browser lets them sound after the first click.
const TONES = {
  ring: { tones: [440, 480], on: 0.9, every: 3, volume: 0.14 },
  waiting: { tones: [440], on: 0.3, every: 6, volume: 0.05 },
  ringback: { tones: [425], on: 1, every: 5, volume: 0.05 },
};

export class Ringing {
  #context;
  #timer;
  #kind = "";

  play(kind) {
    if (kind === this.#kind) return;
    this.stop();
    this.#kind = kind;
    if (!kind) return;
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
    this.#burst(TONES[kind]);
    this.#timer = setInterval(() => this.#burst(TONES[kind]), TONES[kind].every * 1000);
  }

  stop() {
    clearInterval(this.#timer);
    this.#kind = "";
  }

  #burst({ tones, on, volume }) {
    const context = this.#context;
    const now = context.currentTime;
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(volume, now + 0.04);
    gain.gain.setValueAtTime(volume, now + on - 0.06);
    gain.gain.linearRampToValueAtTime(0, now + on);
    gain.connect(context.destination);
    for (const frequency of tones) {
      const oscillator = context.createOscillator();
      oscillator.frequency.value = frequency;
      oscillator.connect(gain);
      oscillator.start(now);
      oscillator.stop(now + on);
    }
  }
}
