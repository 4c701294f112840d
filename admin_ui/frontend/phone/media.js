// How SIP.js speaks to WebRTC here: whose sound a call sends, and what is heard before the answer.
import { Web } from "sip.js";
import { openMicrophone } from "./microphone.js";

const GATHERING_MS = 1500;

class Media extends Web.SessionDescriptionHandler {
  #heardEarly = "";

  // Another has answered than was heard before: this needs an offer of its own, in a re-INVITE.
  mustOffer = false;

  // A provisional answer: those of other phones that ring may follow it, and then the answer, which
  // may be another one's still (RFC 8829 s4.1.10.1). SIP.js would take it for the last word.
  async preview(sdp) {
    if (["have-local-offer", "have-remote-pranswer"].includes(this.peerConnection?.signalingState)) {
      this.#heardEarly = sdp;
      await this.peerConnection.setRemoteDescription({ type: "pranswer", sdp });
    }
  }

  setRemoteSessionDescription(description) {
    const connection = this.peerConnection;
    if (connection?.signalingState !== "have-remote-pranswer") return super.setRemoteSessionDescription(description);
    if (ufragOf(this.#heardEarly) === ufragOf(description.sdp)) {
      return connection.setRemoteDescription({ type: "answer", sdp: description.sdp });
    }
    this.#beginAnew();
    return Promise.resolve();
  }

  // Chrome goes on with the keys that it shares with the first, where both fingerprints are a relay's.
  #beginAnew() {
    this._peerConnection.close();
    this._peerConnection = new RTCPeerConnection(this.sessionDescriptionHandlerConfiguration.peerConnectionConfiguration);
    this.initPeerConnectionEventHandlers();
    for (const track of this.localMediaStream.getTracks()) this._peerConnection.addTrack(track, this.localMediaStream);
    this.mustOffer = true;
  }
}

function ufragOf(sdp) {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
}

// `options.stream` of a call is sent in the microphone's stead.
function open({ audio }, handler, options) {
  return options?.stream ? Promise.resolve(options.stream) : openMicrophone(audio.deviceId?.exact);
}

export function mediaFactory(iceServers) {
  return (session) => new Media(session.userAgent.getLogger("sip.SessionDescriptionHandler"), open, {
    iceGatheringTimeout: GATHERING_MS,
    // Not max-bundle: rtpengine leaves BUNDLE out, and Chrome would refuse what it says then.
    peerConnectionConfiguration: { iceServers, bundlePolicy: "balanced" },
  });
}
