"""One sentence about one call: who called whom, how it ended, and how it sounded. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from .models import CallRecord, LiveCall

_GOOD = 3.8
_FAIR = 3.1

_WORDS = {
    "no_media_from_caller": "nothing was heard from the caller",
    "no_media_from_callee": "nothing was heard from the callee",
    "no_media": "no sound in either direction",
    "one_way": "sound in one direction only",
    "high_loss": "many packets were lost",
    "high_jitter": "packets came irregularly",
    "media_timeout": "the sound ended before the call did",
}
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
    told = [_WORDS[word] for word in call.verdict if word in _WORDS]
    if told:
        return ", ".join(told)
    heard = {stream.get("sender") for stream in call.media if stream.get("packets")}
    if not call.media:
        return ""
    if not heard:
        return _WORDS["no_media"]
    if len(heard) == 1:
        silent = "callee" if "caller" in heard else "caller"
        return _WORDS[f"no_media_from_{silent}"]
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
