// A call over a reload of the page: its dialog is written down when the page goes, and taken up by
// the page that comes, which offers new media in a re-INVITE. The other side needs to know nothing
// for it. SIP.js has no door for this, so some of its inner fields are used; the version is locked.
import { Core, Inviter, SessionState, UserAgent } from "sip.js";

const NAME = "fedsip.calls";
const LONGEST_AWAY_MS = 60_000; // by then the platform has ended the call

// For pagehide, when only what is synchronous still works; `waiting` are not taken up again yet.
export function writeDown(calls, waiting) {
  const kept = calls.filter((call) => call.session.dialog && call.answeredAt && !call.isEcho).map((call) => ({
    dialog: stateOf(call.session.dialog),
    address: call.address,
    name: call.name,
    isIncoming: call.isIncoming,
    startedAt: call.startedAt,
    answeredAt: call.answeredAt,
    isHeld: call.isHeld,
    isMuted: call.isMuted,
  }));
  store(() => sessionStorage.setItem(NAME, JSON.stringify({ at: Date.now(), calls: [...kept, ...waiting] })));
}

// What the page before wrote down; once.
export function takeUp() {
  return store(() => {
    const { at, calls } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
    sessionStorage.removeItem(NAME);
    return Date.now() - at < LONGEST_AWAY_MS ? calls : [];
  }) ?? [];
}

// Those that stand there are another page's, of which this one is a copy.
export function forgetCalls() {
  store(() => sessionStorage.removeItem(NAME));
}

// An established session without media yet; a re-INVITE gives it some.
export function revive(agent, { dialog: state }, options) {
  const uri = (text) => UserAgent.makeURI(text);
  const session = new Inviter(agent, uri(state.remoteURI), options);
  const dialog = new Core.SessionDialog({ request: {} }, agent.userAgentCore, {
    ...state,
    localURI: uri(state.localURI),
    remoteURI: uri(state.remoteURI),
    remoteTarget: uri(state.remoteTarget),
  });
  dialog.delegate = {
    onAck: (request) => session.onAckRequest(request),
    onBye: (request) => session.onByeRequest(request),
    onInfo: (request) => session.onInfoRequest(request),
    onInvite: (request) => session.onInviteRequest(request),
    onMessage: (request) => session.onMessageRequest(request),
    onNotify: (request) => session.onNotifyRequest(request),
    onPrack: (request) => session.onPrackRequest(request),
    onRefer: (request) => session.onReferRequest(request),
  };
  session._dialog = dialog;
  session.stateTransition(SessionState.Establishing);
  session.stateTransition(SessionState.Established);
  return session;
}

function stateOf({ dialogState: state }) {
  const { id, callId, localTag, remoteTag, localSequenceNumber, remoteSequenceNumber, routeSet } = state;
  return {
    id, callId, localTag, remoteTag, localSequenceNumber, remoteSequenceNumber, routeSet,
    early: false,
    secure: false,
    localURI: state.localURI.toString(),
    remoteURI: state.remoteURI.toString(),
    remoteTarget: state.remoteTarget.toString(),
  };
}

// The browser may forbid a page to store anything: then each page is a new phone, and a reload ends its calls.
export function store(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}
