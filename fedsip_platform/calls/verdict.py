"""One sentence about one call: who called whom, how it ended, and how it sounded. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from .models import CallRecord, LiveCall

_GOOD = 3.8
_FAIR = 3.1

# The relay's words (media/verdict.py, `What`) come as what_SIDE, SIDE being caller or callee.
_FAULTS = {
    "no_check": "nothing was heard from the {side}, whose ICE checks never arrived",
    "bad_checks": "nothing was heard from the {side}, whose ICE checks were refused",
    "no_nomination": "nothing was heard from the {side}, with whom ICE did not end",
    "no_dtls": "nothing was heard from the {side}, who never began DTLS",
    "dtls_failed": "nothing was heard from the {side}, with whom DTLS failed",
    "undecryptable": "what the {side} sent could not be decrypted",
    "no_media": "nothing was heard from the {side}",
    "loss": "many packets of the {side} were lost",
}
_REMARKS = {"other_address": "the {side} sent from another address than named"}
_SIDES = ("caller", "callee")
FAULTS = {
    f"{what}_{side}": said.format(side=side) for what, said in _FAULTS.items() for side in _SIDES
}
"""What made the sound bad, by the relay's word."""
REMARKS = {
    f"{what}_{side}": said.format(side=side) for what, said in _REMARKS.items() for side in _SIDES
}
"""What is worth a word and did no harm: behind NAT it is the rule."""
_SILENCE = "no sound in either direction"
_ENDINGS = {
    403: "was not allowed",
    404: "was not found",
    407: "did not sign in",
    408: "did not answer",
    480: "is not signed in",
    482: "would have been called in a loop",
    484: "has an incomplete address",
    486: "was busy",
    488: "could not agree on codecs",
    503: "could not be reached",
    600: "was busy",
    603: "declined",
}


def sentence(call: CallRecord | LiveCall, *, now: datetime) -> str:
    """Such as "alice called bob@elsewhere.org for 3 min; bob hung up; sound both ways, good."."""
    caller, callee = short(call.caller, call), short(call.request_uri or call.callee, call)
    if isinstance(call, LiveCall):
        if call.answered_at is None:
            return f"{caller} is calling {callee}, which rings."
        return f"{caller} has been talking to {callee} for {lasting(now - call.answered_at)}."
    if call.answered_at is None:
        return _unanswered(call, caller, callee)
    talked = lasting(call.ended_at - call.answered_at)
    parts = [f"{caller} called {callee} for {talked}", _hung_up(call, caller, callee)]
    if sound := sound_of(call):
        parts.append(sound)
    return "; ".join(parts) + "."


def sound_of(call: CallRecord) -> str:
    """How it sounded, or "" when nothing measured it."""
    remarks = [REMARKS[word] for word in call.verdict if word in REMARKS]
    return ", ".join(part for part in (_heard(call), *remarks) if part)


def is_bad(call: CallRecord | LiveCall) -> bool:
    """Whether the relay found fault with the sound; a live call's is not judged yet."""
    return isinstance(call, CallRecord) and any(word not in REMARKS for word in call.verdict)


def _heard(call: CallRecord) -> str:
    if {"no_media_caller", "no_media_callee"} <= set(call.verdict):
        return _SILENCE
    faults = [FAULTS[word] for word in call.verdict if word in FAULTS]
    if faults:
        return ", ".join(faults)
    heard = {stream.get("sender") for stream in call.media if stream.get("packets")}
    if not call.media:
        return ""
    if not heard:
        return _SILENCE
    if len(heard) == 1:
        silent = "callee" if "caller" in heard else "caller"
        return FAULTS[f"no_media_{silent}"]
    quality = quality_of(call.mos)
    return f"sound both ways, {quality}" if quality else "sound both ways"


def quality_of(mos: float | None) -> str:
    """good, fair or poor; "" when it was not measured."""
    if mos is None:
        return ""
    return "good" if mos >= _GOOD else "fair" if mos >= _FAIR else "poor"


def short(uri: str, call: CallRecord | LiveCall) -> str:
    """An address as people say it: without scheme and parameters, and without our own domain."""
    bare = uri.partition(":")[2].partition(";")[0].partition("?")[0] or uri
    user, _, host = bare.rpartition("@")
    own = call.caller.partition(";")[0].rpartition("@")[2]
    return user if user and host == own else bare


def lasting(time: timedelta) -> str:
    """A duration in the largest unit that says enough."""
    seconds = max(0, round(time.total_seconds()))
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def _hung_up(call: CallRecord, caller: str, callee: str) -> str:
    match call.ended_by, call.reason:
        case "caller", _:
            return f"{caller} hung up"
        case "callee", _:
            return f"{callee} hung up"
        case _, "BYE" | "":
            return "the platform ended it"
        case _:
            return f"the platform ended it ({call.reason})"


def _unanswered(call: CallRecord, caller: str, callee: str) -> str:
    if call.status == 487:
        rang = lasting(call.ended_at - (call.ringing_at or call.started_at))
        what = f"let it ring for {rang} and gave up" if call.ringing_at else "gave up"
        return f"{caller} called {callee} and {what}."
    if call.status == 403 and call.ended_by == "proxy":
        return f"{caller} called {callee}, which is not allowed ({call.reason})."
    ending = _ENDINGS.get(call.status)
    if ending is None:
        return f"{caller} called {callee}; it failed with {call.status} {call.reason}."
    return f"{caller} called {callee}, who {ending} ({call.status} {call.reason})."
