"""The way from the internet to a domain's servers, as its last check found it: NAPTR, SRV, host,
answer (RFC 3263). One line for each transport, each step green, amber where callers get on without
it, or red, with its reason. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.federation.shown import place

GOOD, WARN, BAD, IDLE = "good", "warn", "bad", ""
_TRANSPORTS = {"_sips._tcp": "TLS", "_sip._tcp": "TCP", "_sip._udp": "UDP"}
_COLOURS = {"published": GOOD, "missing": BAD, "different": BAD, "unknown": WARN}
UNCHECKED = "unchecked"
"""The state of a record that nobody has looked for yet."""
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and whether it can be gone."""

    what: str
    value: str
    colour: str
    why: str


@dataclass(frozen=True, slots=True)
class Way:
    """What callers by one transport do, one after the other."""

    transport: str
    steps: list[Step]


@dataclass(frozen=True, slots=True)
class AtServer:
    """What one of the zone's own servers has."""

    server: str
    address: str
    wrong: list[Record]
    """Records that are not there as they are to be published."""
    silence: str
    """Why it gives no answer to anything; empty where it does."""


def authorities_of(asked: Sequence[Record]) -> list[AtServer]:
    """As the last check has found them."""
    return [_at_server(each) for each in asked]


def _at_server(asked: Record) -> AtServer:
    wrong = [each for each in asked["records"] if each["state"] != "published"]
    unknown = [each for each in wrong if each["state"] == "unknown"]
    is_silent = bool(wrong) and len(unknown) == len(asked["records"])
    silence = ", ".join(unknown[0]["found"]) if is_silent else ""
    return AtServer(asked["server"], asked["address"], wrong, silence)


def ways_of(records: Sequence[Record], located: Mapping[str, Any]) -> list[Way]:
    """A line for each SRV record that is to be published."""
    found = []
    states = [each["state"] for each in records if each["kind"] == "NAPTR"]
    is_without_naptr = bool(states) and set(states) == {"missing"}
    for srv in (each for each in records if each["kind"] == "SRV"):
        service = srv["name"].split(".", 2)
        transport = _TRANSPORTS.get(".".join(service[:2]))
        if transport is None:
            continue
        _priority, _weight, port, host = srv["value"].split()
        naptr = [r for r in records if r["value"].endswith(f" {srv['name']}.")]
        steps = [
            *(_without_naptr() if naptr and is_without_naptr else _records("NAPTR", naptr)),
            *_records("SRV", [srv], _("port %(port)s") % {"port": port}),
            *_records("A, AAAA", [r for r in records if r["name"] == host.rstrip(".")]),
            _answer(transport, located),
        ]
        found.append(Way(transport, steps))
    return found


def _records(what: str, chosen: list[Record], value: str = "") -> list[Step]:
    if not chosen:
        return []
    wrong = [each for each in chosen if each["state"] in ("missing", "different")]
    worst = (wrong or chosen)[0]
    shown = value or worst["value"].split()[-1].rstrip(".")
    colour = _COLOURS.get(worst["state"], IDLE)
    if any(each["state"] == "published" for each in chosen) and colour == BAD:
        colour = WARN  # by the others it is found
    return [Step(what, shown, colour, _why(worst))]


def _without_naptr() -> list[Step]:
    """No NAPTR at all: callers ask for SRV of each transport (RFC 3263 s4.1)."""
    return [Step("NAPTR", "", WARN, _("none, so callers ask for SRV"))]


def _why(record: Record) -> str:
    match record["state"]:
        case "published":
            return _("published")
        case "missing":
            return _("missing")
        case "different":
            return _("is %(found)s") % {"found": ", ".join(record["found"])}
        case "unchecked":
            return ""  # the whole picture is of what nobody has looked for
    return _("the DNS did not answer")


def _answer(transport: str, located: Mapping[str, Any]) -> Step:
    hops = [hop for hop in located.get("hops", ()) if hop["transport"].upper() == transport]
    if not hops:
        return Step(_("our servers"), "", IDLE, _("not asked"))
    hop = next((each for each in hops if not each["status"]), hops[0])
    where = place(hop["address"], hop["port"])
    if not hop["status"]:
        colour = WARN if any(each["status"] for each in hops) else BAD
        return Step(_("our servers"), where, colour, hop["reason"] or _("no answer"))
    doubted = next((each for each in hops if each.get("certificate")), None)
    if doubted is not None:
        return Step(_("our servers"), where, WARN, doubted["certificate"])
    return Step(_("our servers"), where, GOOD, _("answer"))
