"""One sentence about one call: who called whom, how it ended, and how it sounded. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .hops import hops_of
from .models import CallRecord, LiveCall

_GOOD = 3.8
_FAIR = 3.1

# The relay's words (media/verdict.py, `What`) come as what_SIDE, SIDE being caller or callee.
FAULTS = {
    "no_check_caller": gettext_lazy(
        "nothing was heard from the caller, whose ICE checks never arrived"
    ),
    "no_check_callee": gettext_lazy(
        "nothing was heard from the callee, whose ICE checks never arrived"
    ),
    "bad_checks_caller": gettext_lazy(
        "nothing was heard from the caller, whose ICE checks were refused"
    ),
    "bad_checks_callee": gettext_lazy(
        "nothing was heard from the callee, whose ICE checks were refused"
    ),
    "no_nomination_caller": gettext_lazy(
        "nothing was heard from the caller, with whom ICE did not end"
    ),
    "no_nomination_callee": gettext_lazy(
        "nothing was heard from the callee, with whom ICE did not end"
    ),
    "no_dtls_caller": gettext_lazy("nothing was heard from the caller, who never began DTLS"),
    "no_dtls_callee": gettext_lazy("nothing was heard from the callee, who never began DTLS"),
    "dtls_failed_caller": gettext_lazy("nothing was heard from the caller, with whom DTLS failed"),
    "dtls_failed_callee": gettext_lazy("nothing was heard from the callee, with whom DTLS failed"),
    "undecryptable_caller": gettext_lazy("what the caller sent could not be decrypted"),
    "undecryptable_callee": gettext_lazy("what the callee sent could not be decrypted"),
    "no_media_caller": gettext_lazy("nothing was heard from the caller"),
    "no_media_callee": gettext_lazy("nothing was heard from the callee"),
    "loss_caller": gettext_lazy("many packets of the caller were lost"),
    "loss_callee": gettext_lazy("many packets of the callee were lost"),
}
"""What made the sound bad, by the relay's word."""
REMARKS = {
    "other_address_caller": gettext_lazy("the caller sent from another address than named"),
    "other_address_callee": gettext_lazy("the callee sent from another address than named"),
}
"""What is worth a word and did no harm: behind NAT it is the rule."""
_ENDINGS = {
    403: gettext_lazy("%(caller)s called %(callee)s, who was not allowed"),
    404: gettext_lazy("%(caller)s called %(callee)s, who was not found"),
    407: gettext_lazy("%(caller)s called %(callee)s, who did not sign in"),
    408: gettext_lazy("%(caller)s called %(callee)s, who did not answer"),
    480: gettext_lazy("%(caller)s called %(callee)s, who is not signed in"),
    482: gettext_lazy("%(caller)s called %(callee)s, who would have been called in a loop"),
    484: gettext_lazy("%(caller)s called %(callee)s, who has an incomplete address"),
    486: gettext_lazy("%(caller)s called %(callee)s, who was busy"),
    488: gettext_lazy("%(caller)s called %(callee)s, who could not agree on codecs"),
    503: gettext_lazy("%(caller)s called %(callee)s, who could not be reached"),
    600: gettext_lazy("%(caller)s called %(callee)s, who was busy"),
    603: gettext_lazy("%(caller)s called %(callee)s, who declined"),
}
_SAID_BY_US = {
    404: gettext_lazy("there is no such user"),
    407: gettext_lazy("the caller did not sign in"),
    480: gettext_lazy("no device is signed in"),
    482: gettext_lazy("it went round in a loop"),
    484: gettext_lazy("the address is incomplete"),
}
"""Why we refused, where no way was tried."""
QUALITIES = {
    "good": gettext_lazy("good"),
    "fair": gettext_lazy("fair"),
    "poor": gettext_lazy("poor"),
}
"""What people read for the words of `quality_of`."""


def sentence(call: CallRecord | LiveCall, *, now: datetime) -> str:
    """Such as "alice called bob@elsewhere.org for 3 min; bob hung up; sound both ways, good."."""
    caller, callee = short(call.caller, call), short(call.request_uri or call.callee, call)
    who = {"caller": caller, "callee": callee}
    if isinstance(call, LiveCall):
        if call.answered_at is None:
            return _("%(caller)s is calling %(callee)s, which rings.") % who
        talking = _("%(caller)s has been talking to %(callee)s for %(time)s.")
        return talking % {**who, "time": lasting(now - call.answered_at)}
    if call.answered_at is None:
        return _unanswered(call, caller, callee)
    talked = lasting(call.ended_at - call.answered_at)
    called = _("%(caller)s called %(callee)s for %(time)s") % {**who, "time": talked}
    parts = [called, _hung_up(call, caller, callee)]
    if sound := sound_of(call):
        parts.append(sound)
    return "; ".join(parts) + "."


def sound_of(call: CallRecord) -> str:
    """How it sounded, or "" when nothing measured it."""
    remarks = [str(REMARKS[word]) for word in call.verdict if word in REMARKS]
    return ", ".join(part for part in (_heard(call), *remarks) if part)


def is_bad(call: CallRecord | LiveCall) -> bool:
    """Whether the relay found fault with the sound; a live call's is not judged yet."""
    return isinstance(call, CallRecord) and any(word not in REMARKS for word in call.verdict)


def why(call: CallRecord) -> str:
    """What was wrong with it: the sound, the last way that was tried, or who did not want it."""
    if call.answered_at is not None:
        return _heard(call) if is_bad(call) else ""
    if call.status == 487:
        return ""
    if call.ended_by == "callee":
        return _("the far side said so")
    failed = [hop for hop in hops_of(call) if not hop.is_well]
    if failed:
        return failed[-1].ending
    return str(_SAID_BY_US.get(call.status) or _("the platform said so"))


def evidence(call: CallRecord | LiveCall) -> list[str]:
    """What shows that something was wrong: what the relay saw, else each way that failed."""
    if not isinstance(call, CallRecord):
        return []
    if call.answered_at is not None:
        return list(call.verdict_text) if is_bad(call) else []
    failed = [hop for hop in hops_of(call) if not hop.is_well]
    return [_ending_at(hop.address or bare(hop.target), hop.ending) for hop in failed]


def _ending_at(where: str, ending: str) -> str:
    if where in ending:
        return ending
    return _("%(where)s: %(ending)s") % {"where": where, "ending": ending}


def _heard(call: CallRecord) -> str:
    if {"no_media_caller", "no_media_callee"} <= set(call.verdict):
        return _("no sound in either direction")
    faults = [str(FAULTS[word]) for word in call.verdict if word in FAULTS]
    if faults:
        return ", ".join(faults)
    heard = {stream.get("sender") for stream in call.media if stream.get("packets")}
    if not call.media:
        return ""
    if not heard:
        return _("no sound in either direction")
    if len(heard) == 1:
        silent = "callee" if "caller" in heard else "caller"
        return str(FAULTS[f"no_media_{silent}"])
    quality = quality_of(call.mos)
    if not quality:
        return _("sound both ways")
    return _("sound both ways, %(quality)s") % {"quality": QUALITIES[quality]}


def quality_of(mos: float | None) -> str:
    """good, fair or poor, for programs; "" when it was not measured."""
    if mos is None:
        return ""
    return "good" if mos >= _GOOD else "fair" if mos >= _FAIR else "poor"


def short(uri: str, call: CallRecord | LiveCall) -> str:
    """An address as people say it: without scheme and parameters, and without our own domain."""
    address = bare(uri)
    user, _at, host = address.rpartition("@")
    own = call.caller.partition(";")[0].rpartition("@")[2]
    return user if user and host == own else address


def bare(uri: str) -> str:
    """An address without scheme and parameters."""
    return uri.partition(":")[2].partition(";")[0].partition("?")[0] or uri


def lasting(time: timedelta) -> str:
    """A duration in the largest unit that says enough."""
    seconds = max(0, round(time.total_seconds()))
    if seconds < 90:
        return _("%(n)d s") % {"n": seconds}
    if seconds < 5400:
        return _("%(n)d min") % {"n": round(seconds / 60)}
    return _("%(hours)d h %(n)d min") % {"hours": seconds // 3600, "n": seconds % 3600 // 60}


def _hung_up(call: CallRecord, caller: str, callee: str) -> str:
    match call.ended_by, call.reason:
        case "caller", _anything:
            return _("%(who)s hung up") % {"who": caller}
        case "callee", _anything:
            return _("%(who)s hung up") % {"who": callee}
        case _anybody, "BYE" | "":
            return _("the platform ended it")
    return _("the platform ended it (%(reason)s)") % {"reason": call.reason}


def _unanswered(call: CallRecord, caller: str, callee: str) -> str:
    said = {"caller": caller, "callee": callee, "status": call.status, "reason": call.reason}
    if call.status == 487 and call.ringing_at:
        rang = lasting(call.ended_at - call.ringing_at)
        what = _("%(caller)s called %(callee)s and let it ring for %(time)s and gave up.")
        return what % {**said, "time": rang}
    if call.status == 487:
        return _("%(caller)s called %(callee)s and gave up.") % said
    if call.status == 403 and call.ended_by == "proxy":
        return _("%(caller)s called %(callee)s, which is not allowed (%(reason)s).") % said
    ending = _ENDINGS.get(call.status)
    if ending is None:
        return _("%(caller)s called %(callee)s; it failed with %(status)s %(reason)s.") % said
    return f"{ending % said} ({call.status} {call.reason})."
