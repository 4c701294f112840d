// From the figures of WebRTC to a sentence. Pure: reports in, words out.
import { _ } from "./words.js";

const FEW_LOSSES = 0.02;
const MANY_LOSSES = 0.06;
const LONG_WAY_S = 0.4;
const LONG_JITTER_S = 0.05;
const SILENT_LOOKS = 3; // a look each two seconds
const HEARD_LEVEL = 0.01; // of full scale

export class Judge {
  #packets = 0;
  #lost = 0;
  #sent = 0;
  #silent = 0;
  #stuck = 0;
  #energy = 0;
  #seconds = 0;
  #wasHeard = false;

  judge(reports, { isHeld, isOnHold, isMuted, isEcho, connectionState }) {
    if (connectionState === "failed") {
      return bad(_("No sound gets through: a firewall may block UDP."));
    }
    if (connectionState === "connecting" || connectionState === "new") return fair(_("The sound is being connected."));
    if (connectionState === "disconnected") return bad(_("The connection for sound is interrupted."));
    const inbound = of(reports, "inbound-rtp");
    const outbound = of(reports, "outbound-rtp");
    const packets = packetsIn(reports);
    const lost = inbound?.packetsLost ?? 0;
    const sent = outbound?.packetsSent ?? 0;
    const came = packets - this.#packets;
    const missed = Math.max(0, lost - this.#lost);
    this.#silent = came > 0 ? 0 : this.#silent + 1;
    this.#stuck = sent > this.#sent ? 0 : this.#stuck + 1;
    [this.#packets, this.#lost, this.#sent] = [packets, lost, sent];
    if (isHeld) return { level: "unknown", text: _("On hold.") };
    if (isOnHold) return { level: "unknown", text: _("They have put you on hold.") };
    if (this.#silent >= SILENT_LOOKS) return bad(_("Nothing comes from the other side."));
    if (this.#stuck >= SILENT_LOOKS && !isMuted) return bad(_("Your microphone gives no sound."));
    const words = this.#ofFigures(missed / Math.max(1, came + missed), inbound, of(reports, "remote-inbound-rtp"));
    return isEcho && words.level === "good" ? this.#ofEcho(inbound) : words;
  }

  // Loud enough once is enough: people stop to listen.
  #ofEcho({ totalAudioEnergy = 0, totalSamplesDuration = 0 }) {
    const energy = totalAudioEnergy - this.#energy;
    const seconds = totalSamplesDuration - this.#seconds;
    [this.#energy, this.#seconds] = [totalAudioEnergy, totalSamplesDuration];
    this.#wasHeard ||= seconds > 0 && Math.sqrt(energy / seconds) > HEARD_LEVEL;
    return this.#wasHeard
      ? { level: "good", text: _("You came back: microphone and network are in order. Hear nothing? Choose another speaker.") }
      : fair(_("Speak now. Does nothing come back, choose another microphone under Sound."));
  }

  #ofFigures(here, inbound, remote) {
    const there = remote?.fractionLost ?? 0;
    if (here > MANY_LOSSES) return bad(_("You miss %(share)s of what they say.", { share: percent(here) }));
    if (there > MANY_LOSSES) return bad(_("They miss %(share)s of what you say.", { share: percent(there) }));
    if ((remote?.roundTripTime ?? 0) > LONG_WAY_S) return fair(_("The way is long: you hear each other late."));
    if (here > FEW_LOSSES || there > FEW_LOSSES || (inbound?.jitter ?? 0) > LONG_JITTER_S) {
      return fair(_("Fair: the network is uneven."));
    }
    return { level: "good", text: _("Good.") };
  }
}

export function packetsIn(reports) {
  return of(reports, "inbound-rtp")?.packetsReceived ?? 0;
}

function of(reports, type) {
  return reports.find((one) => one.type === type && (one.kind ?? "audio") === "audio");
}

const bad = (text) => ({ level: "bad", text });
const fair = (text) => ({ level: "fair", text });
const percent = (share) => `${Math.round(share * 100)} %`;
