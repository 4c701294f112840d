// The line: one registration over one WebSocket, and the calls and messages on it. No DOM in it.
//
// A socket that is cut comes back by itself; the calls go on, with new candidates (ICE restart). The
// pass it signs in with expires, so `getPass()` is asked for a new one before that.
import {
  Inviter, Messager, Registerer, RegistererState, SessionState, SIPExtension, UserAgent,
} from "sip.js";
import { Call } from "./call.js";
import { answerWithEcho } from "./echo.js";
import { claimInstance } from "./instance.js";
import { mediaFactory } from "./media.js";
import { NoPass } from "./passes.js";
import { revive, takeUp, writeDown } from "./resuming.js";
import { _ } from "./words.js";

const REFRESH_SHARE = 0.6; // of a pass's life; then a new one is fetched
const LONGEST_WAIT_MS = 30_000;
const LONGEST_WAIT_IN_CALL_MS = 4000; // the platform waits FEDSIP_SIP_BROWSER_AWAY_SECONDS for us
const AGAIN_MS = 2000;
// As people write it, with what stands between its digits.
const NUMBER = /^(?=.*\d)[\s(]*\+?[\d\s()./\u2010-\u2015-]+$/;
const UNSEEN = /\p{Cf}/gu; // marks of direction come along from lists of contacts

export class Line extends EventTarget {
  #getPass;
  #pass;
  #agent;
  #registerer;
  #tries = 0;
  #timers = new Map();
  #isStopped = false;
  #wasCut = false;
  #kept = [];

  constructor(getPass, { microphone = () => "", speaker = () => "" }) {
    super();
    this.#getPass = getPass;
    this.instanceId = ""; // until it is known which phone this page is
    this.microphone = microphone;
    this.speaker = speaker;
    this.calls = [];
    this.state = "starting"; // then: online, reconnecting, refused, stopped
    this.why = "";
    this.isSignedOut = false; // until somebody signs in again
    this.address = "";
    this.domain = "";
    addEventListener("online", () => this.#reconnectSoon(0));
    addEventListener("pagehide", () => this.#leave());
  }

  async start() {
    if (!this.instanceId) {
      this.instanceId = await claimInstance();
      this.#kept = takeUp();
      this.#tell("state");
    }
    try {
      await this.#renewPass();
    } catch (error) {
      this.#refuse(error);
      return;
    }
    this.isSignedOut = false;
    const pass = this.#pass;
    this.address = pass.address;
    this.domain = pass.address.slice(pass.address.lastIndexOf("@") + 1);
    this.#agent = new UserAgent({
      uri: UserAgent.makeURI(`sip:${pass.address}`),
      displayName: pass.display_name,
      authorizationUsername: pass.username,
      authorizationPassword: pass.password,
      transportOptions: { server: pass.websocket, connectionTimeout: 10, keepAliveInterval: 25 },
      sessionDescriptionHandlerFactory: mediaFactory(pass),
      userAgentString: "fedsip softphone",
      logBuiltinEnabled: false,
      noAnswerTimeout: 120,
      sipExtensionReplaces: SIPExtension.Supported,
      delegate: {
        onConnect: () => this.#connected(),
        onDisconnect: (error) => this.#disconnected(error),
        onInvite: (invitation) => this.#rings(invitation),
        onMessage: (message) => this.#messageCame(message),
      },
    });
    this.#registerer = new Registerer(this.#agent, {
      regId: 1,
      instanceId: this.instanceId,
      expires: 600,
      refreshFrequency: 80,
    });
    this.#registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Unregistered) this.#unregistered();
    });
    await this.#agent.start().catch(() => this.#reconnectSoon());
  }

  async stop() {
    this.#isStopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.allSettled(this.calls.map((call) => call.hangUp()));
    await this.#registerer?.unregister().catch(() => {});
    await this.#agent?.stop();
    this.#set("stopped");
  }

  // Of the page before, to be taken up once we are registered.
  get hasCallsToTakeUp() {
    return this.#kept.length > 0;
  }

  // -- what a person does

  call(typed) {
    const target = this.target(typed);
    if (!target) return null;
    const isToOneself = plainAddress(target).toLowerCase() === this.address.toLowerCase();
    return this.#invite(target, target.toString(), "", { isToOneself });
  }

  // An echo test: through the platform to this page and no other device (its GRUU, RFC 5627).
  callOneself() {
    const target = this.#agent?.contact.pubGruu;
    if (!target || this.calls.some((call) => call.isEcho)) return null;
    return this.#invite(target, this.address, _("Echo test"), { isEcho: true });
  }

  #invite(target, ...said) {
    this.#holdAllBut(null);
    // Of a Call-ID that SIP.js makes itself it would say that the call has come in a circle (482).
    const params = { callId: crypto.randomUUID() };
    const inviter = new Inviter(this.#agent, target, { params, sessionDescriptionHandlerOptions: this.#media() });
    const call = this.#add(inviter, ...said);
    inviter.stateChange.addListener((state) => {
      if (state === SessionState.Established) this.#holdAllBut(call); // one that has been answered meanwhile
    });
    call.invite();
    return call;
  }

  answer(call) {
    return call.answer(() => this.#holdAllBut(call));
  }

  resume(call) {
    this.#holdAllBut(call);
    return call.hold(false);
  }

  async say(typed, text) {
    const target = this.target(typed);
    if (!target) throw new Error(_("This is no address."));
    const status = await new Promise((resolve, reject) => {
      new Messager(this.#agent, target, text)
        .message({
          requestDelegate: {
            onAccept: () => resolve(200),
            onReject: ({ message }) => resolve(message.statusCode),
          },
        })
        .catch(reject);
    });
    if (status !== 200) throw new Error(status === 480 ? _("They are not there now.") : _("Not delivered (%(status)s).", { status }));
    return plainAddress(target);
  }

  // "bob", "+1 (555) 123", "tel:+1-555-123", "bob@elsewhere.org" or a SIP URI.
  target(typed) {
    let text = typed.replace(UNSEEN, "").trim().replace(/^<|>$/g, "").replace(/^tel:([^;]*).*$/i, "$1");
    if (!text) return undefined;
    if (!/^sips?:/i.test(text)) {
      if (NUMBER.test(text)) text = text.replace(/[^+\d]/g, "");
      if (!text.includes("@")) text = `${text.replaceAll("#", "%23")}@${this.domain}`;
      text = `sip:${text}`;
    }
    return UserAgent.makeURI(text);
  }

  // One is talked to at a time.
  #holdAllBut(chosen) {
    for (const call of this.calls) if (call !== chosen && call.state === "talking") call.hold(true);
  }

  #media() {
    const deviceId = this.microphone();
    return { constraints: { audio: deviceId ? { deviceId: { exact: deviceId } } : true, video: false } };
  }

  // -- registration and the socket

  async #renewPass() {
    this.#pass = await this.#getPass();
    const left = this.#pass.expires_at * 1000 - Date.now();
    this.#after("renew", () => this.#renew(), Math.max(10_000, left * REFRESH_SHARE));
  }

  // Whoever has signed out, in this tab or another one, is called here no more; a call goes on.
  async checkPass() {
    if (this.state !== "online" || this.calls.length) return;
    await this.#getPass().catch((error) => {
      if (error instanceof NoPass) return this.#leaveFor(error);
    });
  }

  async #leaveFor(error) {
    if (this.calls.length) return;
    this.#isStopped = true;
    await this.#registerer.unregister().catch(() => {});
    await this.#agent.stop();
    this.#agent = undefined;
    this.#isStopped = false;
    clearTimeout(this.#timers.get("renew"));
    this.#refuse(error);
  }

  #refuse(error) {
    this.isSignedOut = Boolean(error.mustSignIn);
    this.#set("refused", error.message);
    this.#after("reconnect", () => this.start(), LONGEST_WAIT_MS);
  }

  async #renew() {
    try {
      await this.#renewPass();
    } catch (error) {
      if (error instanceof NoPass && !this.calls.length) await this.#leaveFor(error);
      else this.#after("renew", () => this.#renew(), LONGEST_WAIT_MS);
      return;
    }
    // SIP.js asks its options for each challenge, so a later request signs in with the new pass.
    this.#agent.options.authorizationUsername = this.#pass.username;
    this.#agent.options.authorizationPassword = this.#pass.password;
    if (this.#agent.isConnected()) await this.#register();
  }

  async #connected() {
    this.#tries = 0;
    if (this.#pass.expires_at * 1000 < Date.now() + 10_000) await this.#renew();
    else await this.#register();
  }

  // SIP.js tells no change of state where it was registered before, so each answer is listened to.
  async #register() {
    await this.#registerer
      .register({
        requestDelegate: {
          onAccept: () => this.#accepted(),
          onReject: ({ message }) => this.#refused(message),
        },
      })
      .catch(() => this.#after("register", () => this.#register(), AGAIN_MS)); // one is under way
  }

  #accepted() {
    const waiting = this.#kept.splice(0);
    this.#set("online");
    if (this.#wasCut) for (const call of this.calls) call.restart();
    this.#wasCut = false;
    for (const kept of waiting) this.#resume(kept);
  }

  #resume(kept) {
    const session = revive(this.#agent, kept, { sessionDescriptionHandlerOptions: this.#media() });
    this.#add(session, kept.address, kept.name).takeUp(kept);
  }

  #refused({ statusCode, reasonPhrase }) {
    const isWrong = statusCode === 401 || statusCode === 403;
    this.#set("refused", isWrong ? _("The sign-in was refused.") : _("The server refused (%(status)s).", { status: `${statusCode} ${reasonPhrase}` }));
    this.#after("register", () => this.#renew(), isWrong ? LONGEST_WAIT_MS : 2 * AGAIN_MS);
  }

  // It has expired, or a refresh of SIP.js's own was refused.
  #unregistered() {
    if (!this.#isStopped && this.#agent.isConnected()) this.#after("register", () => this.#renew(), AGAIN_MS);
  }

  #disconnected() {
    if (this.#isStopped) return;
    this.#wasCut = true;
    this.#set("reconnecting");
    this.#reconnectSoon();
  }

  // Twice as long after each failure, and not all browsers at once after a restart.
  #reconnectSoon(wait) {
    if (this.#isStopped || !this.#agent || this.#agent.isConnected()) return;
    this.#set("reconnecting");
    const most = this.calls.length ? LONGEST_WAIT_IN_CALL_MS : LONGEST_WAIT_MS;
    const longest = Math.min(most, 500 * 2 ** this.#tries);
    this.#after("reconnect", () => this.#reconnect(), wait ?? longest * (0.5 + Math.random() / 2));
  }

  async #reconnect() {
    this.#tries += 1;
    try {
      await this.#agent.reconnect();
    } catch {
      this.#reconnectSoon();
    }
  }

  // The page goes, perhaps to come again: calls that were answered wait for it, for as long as the
  // platform lets them (FEDSIP_SIP_BROWSER_AWAY_SECONDS).
  #leave() {
    if (this.#isStopped || !this.instanceId) return;
    writeDown(this.calls, this.#kept);
    for (const call of this.calls) if (call.isEcho || !call.answeredAt) call.hangUp(480);
  }

  // -- what comes

  #rings(invitation) {
    const { callId } = invitation.request;
    if (this.calls.some(({ isEcho, callId: ours }) => isEcho && ours === callId)) {
      answerWithEcho(invitation).catch(() => invitation.reject({ statusCode: 480 }).catch(() => {}));
      return;
    }
    // Of one's own number one's other phones ring, and not the one that calls.
    if (this.calls.some(({ isIncoming, callId: ours }) => !isIncoming && ours === callId)) {
      invitation.reject({ statusCode: 480 }).catch(() => {});
      return;
    }
    const remote = invitation.remoteIdentity;
    const call = this.#add(invitation, remote.uri.toString(), remote.displayName);
    // RFC 3891 s3: what takes the place of a call that goes on does not ring.
    if (invitation.replacee) call.answer();
    else this.#tell("ringing", call);
  }

  #messageCame(message) {
    const { request } = message;
    message.accept();
    this.#tell("message", {
      id: request.callId,
      from: plainAddress(request.from.uri),
      name: request.from.displayName ?? "",
      text: request.body ?? "",
    });
  }

  #add(session, address, name = "", kind = {}) {
    const call = new Call(session, address.replace(/^sips?:/i, ""), name, () => this.#media(), kind);
    const speaker = this.speaker();
    if (speaker) call.useSpeaker(speaker).catch(() => {}); // unplugged since: the system's own
    this.calls.push(call);
    session.delegate = {
      ...session.delegate,
      onCancel: ({ request }) => call.cancelled(request.getHeaders("Reason")),
      onRefer: (referral) => {
        referral.accept();
        const inviter = referral.makeInviter({ sessionDescriptionHandlerOptions: this.#media() });
        this.#add(inviter, referral.referTo.uri.toString()).invite();
      },
    };
    session.stateChange.addListener((state) => {
      // SIP.js says that a call is refused before it says why.
      if (state === SessionState.Terminated) queueMicrotask(() => this.#ended(call));
      else this.#tell("calls");
    });
    call.addEventListener("change", () => this.#tell("calls"));
    call.addEventListener("signedout", () => this.#renew()); // her password has changed meanwhile
    this.#tell("calls");
    return call;
  }

  #ended(call) {
    this.calls = this.calls.filter((one) => one !== call);
    call.ended();
    this.#tell("ended", call);
    this.#tell("calls");
  }

  #set(state, why = "") {
    if (this.state === state && this.why === why) return;
    this.state = state;
    this.why = why;
    this.#tell("state");
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #after(name, act, milliseconds) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(name, setTimeout(act, milliseconds));
  }
}

export function plainAddress(uri) {
  return `${uri.user ?? ""}@${uri.host}`;
}
