// One call: what a person can do with it, what is heard, and how well. No DOM but one <audio>.
import { Invitation, SessionState } from "sip.js";
import { openMicrophone, whyNoMicrophone } from "./microphone.js";
import { Judge, packetsIn } from "./quality.js";
import { whatBecameOf } from "./refusals.js";
import { _ } from "./words.js";

const LOOK_EVERY_MS = 2000;
const LOOK_EARLY_EVERY_MS = 300;
const DIRECT_MS = 4000; // in which two browsers find each other, or never will
const MOST_TRIES = 4;

export class Call extends EventTarget {
  #session;
  #media;
  #judge = new Judge();
  #looking;
  #lookingEarly;
  #giveDirectUp;
  #isRestarting = false;
  #lastReinvite = Promise.resolve();

  constructor(session, address, name, media, { isEcho = false, isToOneself = false } = {}) {
    super();
    this.#session = session;
    this.#media = media;
    this.id = session.id;
    this.address = address;
    this.name = name;
    this.isIncoming = session instanceof Invitation;
    this.isEcho = isEcho; // a test: the page talks to itself
    this.isToOneself = isToOneself; // to the user's other phones
    this.startedAt = Date.now();
    this.answeredAt = null;
    this.isHeld = false;
    this.isMuted = false;
    this.isRinging = false; // at the other side
    this.isEarly = false; // it is heard before it has answered
    this.isTransferring = false;
    this.tones = ""; // that have been sent
    this.outcome = ""; // answered, elsewhere, missed, refused, busy, failed: what the history says
    this.why = "";
    this.quality = { level: "unknown", text: "" };
    this.audio = new Audio();
    this.audio.autoplay = true;
    session.stateChange.addListener((state) => this.#changed(state));
  }

  get state() {
    switch (this.#session.state) {
      case SessionState.Established:
        return this.isHeld ? "held" : "talking";
      case SessionState.Terminating:
      case SessionState.Terminated:
        return "ended";
      default:
        return this.isIncoming ? "ringing" : "calling";
    }
  }

  get session() {
    return this.#session;
  }

  get callId() {
    return this.#session.dialog?.callId ?? this.#session.request.callId;
  }

  get connection() {
    return this.#session.sessionDescriptionHandler?.peerConnection;
  }

  // -- what a person does

  async invite() {
    const media = await this.#withMicrophone();
    if (!media) {
      this.outcome ||= "failed";
      await this.hangUp();
      return;
    }
    try {
      await this.#session.invite({
        sessionDescriptionHandlerOptions: media,
        requestDelegate: {
          onProgress: ({ message }) => {
            this.isRinging ||= message.statusCode >= 180; // 183 is heard of no other way
            if (message.getHeader("Content-Type") === "application/sdp") this.#hearEarly(message.body);
            this.#tell();
          },
          onReject: ({ message }) => this.#refused(message),
        },
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  // What the page before this one had begun (resuming.js); false where that does not work any more.
  async takeUp({ isIncoming, startedAt, answeredAt, isHeld, isMuted }) {
    Object.assign(this, { isIncoming, startedAt, answeredAt, isHeld, isMuted, outcome: "answered" });
    this.#tell();
    try {
      await this.#reinvite(this.#media());
    } catch {
      this.why = _("The call did not outlive the loading of the page.");
      this.hangUp();
      return;
    }
    this.#letMicrophone();
    this.#begin();
  }

  // `first` is done once there is a microphone.
  async answer(first = () => {}) {
    this.why = "";
    const media = await this.#withMicrophone();
    if (!media) {
      this.#tell(); // it rings on
      return;
    }
    first();
    try {
      await this.#session.accept({ sessionDescriptionHandlerOptions: media });
    } catch (error) {
      this.#failed(error);
    }
  }

  // A call that rings is refused everywhere by 603, at this device alone by 480.
  async hangUp(statusCode = 603) {
    const session = this.#session;
    switch (session.state) {
      case SessionState.Initial:
      case SessionState.Establishing:
        if (this.isIncoming) {
          this.outcome ||= "refused";
          await session.reject({ statusCode });
        } else {
          this.outcome ||= "cancelled";
          await session.cancel();
        }
        break;
      case SessionState.Established:
        await session.bye();
        break;
      default:
    }
  }

  mute(isMuted) {
    this.isMuted = isMuted;
    this.#letMicrophone();
    this.#tell();
  }

  async hold(isHeld) {
    if (this.state !== "talking" && this.state !== "held") return;
    const was = this.isHeld;
    this.isHeld = isHeld;
    this.why = "";
    this.#session.sessionDescriptionHandlerOptionsReInvite = { hold: isHeld };
    this.#letMicrophone();
    this.#tell();
    try {
      await this.#reinvite({});
    } catch {
      this.isHeld = was;
      this.#letMicrophone();
      this.#tell();
    }
  }

  dial(tone) {
    const isSent = this.#session.sessionDescriptionHandler?.sendDtmf(tone) ?? false;
    if (isSent) this.tones += tone;
    else this.why = _("The other side takes no tones.");
    this.#tell();
    return isSent;
  }

  // To an address, or to the far side of another call (attended). The call ends once that has worked.
  async transfer(target) {
    this.isTransferring = true;
    this.why = "";
    this.#tell();
    const arrived = await new Promise((resolve) => {
      this.#session
        .refer(target instanceof Call ? target.session : target, {
          requestDelegate: { onReject: () => resolve(false) },
          onNotify: (notification) => {
            notification.accept();
            const status = /^SIP\/2\.0 (\d{3})/.exec(notification.request.body ?? "")?.[1];
            if (status >= "200") resolve(status < "300");
          },
        })
        .catch(() => resolve(false));
    });
    this.isTransferring = false;
    if (arrived) await this.hangUp();
    else this.why = _("The transfer did not work.");
    this.#tell();
    return arrived;
  }

  // An empty deviceId: whichever the system says, as for the speaker.
  async useMicrophone(deviceId) {
    const sender = this.#sender();
    if (!sender) return;
    const stream = await openMicrophone(deviceId);
    const before = sender.track;
    await sender.replaceTrack(stream.getAudioTracks()[0]);
    before?.stop();
    this.#letMicrophone();
    this.#watchMicrophone();
  }

  async useSpeaker(deviceId) {
    await this.audio.setSinkId?.(deviceId);
  }

  // The socket is back, perhaps in another network: new candidates for both sides.
  async restart() {
    if (this.#isRestarting) return;
    this.#isRestarting = true;
    for (let tries = 0; tries < MOST_TRIES && this.#session.state === SessionState.Established; tries += 1) {
      try {
        await this.#reinvite({ offerOptions: { iceRestart: true } });
        break;
      } catch {
        await later(); // the other side may not be back yet
      }
    }
    this.#isRestarting = false;
  }

  // By RFC 3326: one that another phone has answered is not missed.
  cancelled(reasons) {
    if (reasons.some((one) => /^\s*SIP\s*;.*\bcause=200\b/i.test(one))) this.outcome = "elsewhere";
  }

  ended() {
    clearInterval(this.#looking);
    clearTimeout(this.#giveDirectUp);
    this.audio.srcObject = null;
    this.outcome ||= this.answeredAt ? "answered" : this.isIncoming ? "missed" : "failed";
  }

  // -- inside

  // One after the other (RFC 3261 s14.1); again where another has answered than was asked, and a little
  // later where both sides began at once (491).
  #reinvite(options) {
    const sent = this.#lastReinvite.then(async () => {
      for (let tries = 1; ; tries += 1) {
        try {
          await this.#sendReinvite(options);
          if (!this.#session.sessionDescriptionHandler.mustOffer || tries === MOST_TRIES) return;
        } catch (error) {
          if (error.statusCode !== 491 || tries === MOST_TRIES) throw error;
          await later();
        }
      }
    });
    this.#lastReinvite = sent.catch(() => {});
    return sent;
  }

  #sendReinvite(options) {
    return new Promise((resolve, reject) => {
      this.#session
        .invite({
          // Without constraints the stream stays that there is, muted or not.
          sessionDescriptionHandlerOptions: { hold: this.isHeld, ...options },
          requestDelegate: {
            onAccept: resolve,
            onReject: ({ message: { statusCode } }) =>
              reject(Object.assign(new Error(_("Refused (%(status)s).", { status: statusCode })), { statusCode })),
          },
        })
        .catch(reject);
    });
  }

  #changed(state) {
    if (state !== SessionState.Establishing) this.#endEarly();
    if (state === SessionState.Established) {
      this.answeredAt = Date.now();
      this.outcome = "answered";
      this.#begin();
    }
  }

  // What a carrier plays, or another network's tone. Ours sounds until something comes, for some
  // announce sound and send none.
  async #hearEarly(sdp) {
    await this.#session.sessionDescriptionHandler.preview(sdp).catch((error) => console.info(error.message));
    if (this.#lookingEarly || this.state !== "calling") return;
    this.#hear();
    this.#lookingEarly = setInterval(async () => {
      const reports = [...((await this.connection?.getStats()) ?? new Map()).values()];
      if (this.state !== "calling" || packetsIn(reports) === 0) return;
      clearInterval(this.#lookingEarly);
      this.isEarly = true;
      this.#tell();
    }, LOOK_EARLY_EVERY_MS);
  }

  #endEarly() {
    clearInterval(this.#lookingEarly);
    this.isEarly = false;
  }

  #begin() {
    this.#hear();
    const media = this.#session.sessionDescriptionHandler;
    media.onAnew = () => this.#hear();
    if (media.mustOffer) this.restart();
    this.#watchMicrophone();
    this.#looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    if (media.isDirect) this.#watchDirect();
  }

  // Who called offers first: both at once would have to wait for each other.
  #watchDirect() {
    const connection = this.connection;
    const giveUp = () => {
      if (this.#session.sessionDescriptionHandler.isDirect && connection.connectionState !== "connected") this.restart();
    };
    this.#giveDirectUp = setTimeout(giveUp, this.isIncoming ? 2 * DIRECT_MS : DIRECT_MS);
    connection.addEventListener("connectionstatechange", () => {
      if (connection.connectionState === "failed") giveUp();
    });
  }

  #hear() {
    const connection = this.connection;
    const stream = new MediaStream(connection.getReceivers().map((one) => one.track).filter(Boolean));
    connection.addEventListener("track", ({ track }) => stream.addTrack(track));
    this.audio.srcObject = stream;
    this.audio.play().catch(() => {
      this.why = _("The browser keeps the sound back until you click on the page.");
      this.#tell();
    });
  }

  #letMicrophone() {
    const sender = this.#sender();
    if (sender?.track) sender.track.enabled = !this.isMuted && !this.isHeld;
  }

  // What a call begins with; null where there is no microphone, or the call has gone while it was asked for.
  async #withMicrophone() {
    const media = this.#media();
    try {
      const stream = await openMicrophone(media.constraints.audio.deviceId?.exact);
      if (this.#session.state === SessionState.Initial) return { ...media, stream };
      for (const track of stream.getTracks()) track.stop();
    } catch (error) {
      this.why = whyNoMicrophone(error);
    }
    return null;
  }

  // Unplugged, or forbidden in mid-call: another one takes its place, or it is said that none is there.
  #watchMicrophone() {
    const track = this.#sender()?.track;
    if (!track || this.isEcho) return;
    track.onended = async () => {
      if (this.#sender()?.track !== track) return;
      try {
        await this.useMicrophone(this.#media().constraints.audio.deviceId?.exact ?? "");
      } catch (error) {
        this.why = whyNoMicrophone(error);
        this.#tell();
      }
    };
  }

  #sender() {
    return this.connection?.getSenders().find((one) => one.track?.kind === "audio");
  }

  // The other side has put us on hold: it listens no more.
  #isOnHold() {
    const audio = this.connection?.getTransceivers().find((one) => one.sender === this.#sender());
    return !this.isHeld && ["recvonly", "inactive"].includes(audio?.currentDirection);
  }

  async #look() {
    const connection = this.connection;
    if (!connection || connection.connectionState === "closed") return;
    const reports = [...(await connection.getStats()).values()];
    this.quality = this.#judge.judge(reports, {
      isHeld: this.isHeld,
      isOnHold: this.#isOnHold(),
      isMuted: this.isMuted,
      isEcho: this.isEcho,
      connectionState: connection.connectionState,
    });
    this.#tell();
  }

  #refused(message) {
    const { statusCode } = message;
    if (statusCode === 401 || statusCode === 407) this.dispatchEvent(new Event("signedout"));
    [this.outcome, this.why] = whatBecameOf(message);
    if (statusCode === 480 && this.isToOneself) this.why = _("This is your own number, and no other phone of yours is there.");
  }

  #failed(error) {
    this.outcome = "failed";
    this.why = error.message;
    this.hangUp(480);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

function later() {
  return new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 2000));
}
