// How SIP.js speaks to WebRTC here: whose sound a call sends, and what is heard before the answer.
import { Web } from "sip.js";
import { openMicrophone } from "./microphone.js";

const GATHERING_MS = 1500;

class Media extends Web.SessionDescriptionHandler {
  #heardEarly = "";

  // Another has answered than was spoken with before: this needs an offer of its own, in a re-INVITE.
  mustOffer = false;

  // Whether calls with other browsers begin past a relay that may take them over.
  hasReserve = false;

  // Called when another RTCPeerConnection has taken the place of the one before.
  onAnew = () => {};

  // With another browser, past a relay that waits in reserve and is ICE-lite.
  get isDirect() {
    if (!this.hasReserve) return false; // rtpengine as a relay is not ICE-lite
    const sdp = this.peerConnection?.remoteDescription?.sdp;
    return Boolean(sdp) && !isLite(sdp);
  }

  // A provisional answer: those of other phones that ring may follow it, and then the answer, which
  // may be another one's still (RFC 8829 s4.1.10.1). SIP.js would take it for the last word.
  async preview(sdp) {
    if (["have-local-offer", "have-remote-pranswer"].includes(this.peerConnection?.signalingState)) {
      this.#heardEarly = sdp;
      await this.peerConnection.setRemoteDescription({ type: "pranswer", sdp });
    }
  }

  // Whatever either side offers later takes a direct call over to the relay (docs/behaviour.md s6).
  getDescription(options, modifiers) {
    this.mustOffer = false;
    if (this.isDirect && this.peerConnection.signalingState === "stable") {
      this.#beginAnew();
      this.#addTracks();
    }
    return super.getDescription(options, modifiers);
  }

  setRemoteSessionDescription(description) {
    const connection = this.peerConnection;
    const known = connection?.currentRemoteDescription?.sdp;
    if (known && fingerprintOf(known) !== fingerprintOf(description.sdp)) return this.#meetAnother(description);
    if (connection?.signalingState !== "have-remote-pranswer") return super.setRemoteSessionDescription(description);
    if (ufragOf(this.#heardEarly) === ufragOf(description.sdp)) {
      return connection.setRemoteDescription({ type: "answer", sdp: description.sdp });
    }
    return this.#meetAnother(description);
  }

  // Another certificate, another far side: the relay that takes a direct call over, also where only the
  // other one's policy had one in reserve, or the page that the other one has loaded again.
  async #meetAnother(description) {
    const isOffer = this.peerConnection.signalingState === "stable"; // SIP.js calls all but one so
    this.#beginAnew();
    // Afterwards: a track that is there before has a section of its own where they offer to send alone.
    if (isOffer) await super.setRemoteSessionDescription(description);
    else this.mustOffer = true;
    this.#addTracks();
  }

  // Chrome does not go over from one far side to another: it keeps the keys where both have a relay's
  // fingerprint, and where they have not, packets of the first spoil the handshake with the second.
  #beginAnew() {
    this._peerConnection.close();
    this._peerConnection = new RTCPeerConnection(this.sessionDescriptionHandlerConfiguration.peerConnectionConfiguration);
    this.initPeerConnectionEventHandlers();
  }

  #addTracks() {
    for (const track of this.localMediaStream.getTracks()) this.peerConnection.addTrack(track, this.localMediaStream);
    this.onAnew();
  }
}

function isLite(sdp) {
  return /^a=ice-lite/m.test(sdp);
}

function fingerprintOf(sdp) {
  return /^a=fingerprint:(.+)/m.exec(sdp)?.[1].trim().toLowerCase();
}

function ufragOf(sdp) {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

// `options.stream` of a call is sent in the microphone's stead.
function open({ audio }, handler, options) {
  return options?.stream ? Promise.resolve(options.stream) : openMicrophone(audio.deviceId?.exact);
}

export function mediaFactory({ ice_servers: stun = [], relay_in_reserve: hasReserve = false }) {
  const configuration = {
    iceGatheringTimeout: GATHERING_MS,
    // Not max-bundle: rtpengine leaves BUNDLE out, and Chrome would refuse what it says then.
    peerConnectionConfiguration: { iceServers: stun.map((urls) => ({ urls })), bundlePolicy: "balanced" },
  };
  return (session) => Object.assign(
    new Media(session.userAgent.getLogger("sip.SessionDescriptionHandler"), open, configuration), { hasReserve });
}
