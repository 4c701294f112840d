"""Locating SIP servers (RFC 3263): the selection, as a generator that asks and returns hops.

    answers = yield Question(...)     # the driver sends the answers to each question
    return [Hop, Hop, ...]            # in the order of trying; LocateError when there is none

No DNS in here, so the whole procedure is tested from tables of zones:

    IP literal             no question; UDP for sip, TLS for sips, unless transport= says otherwise
    port in the URI        addresses only
    transport= in the URI  SRV for that transport, then addresses
    neither                NAPTR, by order and preference, services that we speak
                           no NAPTR that leads anywhere: SRV for each transport that we speak
                           no SRV: addresses, default port and transport

A question that the DNS fails to answer (SERVFAIL, nothing at all) counts as one without records,
as long as another one leads somewhere: many servers know nothing of NAPTR. SRV with the target "."
says that the service is not there, and then no address is tried for it (RFC 2782).
sips and a domain that is asked for over TLS keep their name for the certificate (RFC 5922).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal

from proxy.sip.uri import DEFAULT_PORT, SipUri

from .hop import SECURE, Hop, Lead
from .records import Naptr, Srv

MOST_HOPS: Final = 16
_MOST_SERVICES: Final = 8
_MOST_RECORDS: Final = 32

# NAPTR services that name a SIP transport (RFC 3263 s4.1, RFC 7118 s4.1.2).
_SERVICES: Final = {
    "SIP+D2U": "udp",
    "SIP+D2T": "tcp",
    "SIPS+D2T": "tls",
    "SIP+D2W": "ws",
    "SIPS+D2W": "wss",
}
_SRV_PREFIX: Final = {
    "udp": "_sip._udp.",
    "tcp": "_sip._tcp.",
    "tls": "_sips._tcp.",
    "ws": "_sip._ws.",
    "wss": "_sips._ws.",
}
_BY_NAPTR_ALONE: Final = ("ws", "wss")


class LocateError(Exception):
    """A URI leads nowhere; the message says at which question."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: the answers are Naptr, Srv or texts (addresses, TXT), [] for none.

    The driver raises LocateError into the generator when the DNS fails (SERVFAIL, timeout).
    """

    kind: Literal["NAPTR", "SRV", "A", "AAAA", "TXT"]
    name: str
    along: tuple[Question, ...] = field(default=(), compare=False)
    """What is going to be asked next, whatever comes of this one: asked at the same time, it costs
    no further round."""


Answer = Sequence[Naptr] | Sequence[Srv] | Sequence[str]
Selection = Generator[Question, Answer, list[Hop]]
_Services = list[tuple[str, str, tuple[Lead, ...]]]
"""Transport, SRV name, and the NAPTR that named it."""


@dataclass(frozen=True, slots=True)
class Speaks:
    """What this node can send by: transports in our order of preference, address families."""

    transports: tuple[str, ...] = ("udp", "tcp", "tls")
    ipv4: bool = True
    ipv6: bool = True
    asks_a: bool = True
    asks_aaaa: bool = True
    """Whether names are asked for addresses of a family: of none that leads nowhere from here."""


def locate(uri: SipUri, speaks: Speaks, draw: Callable[[], float]) -> Selection:
    """Select hops for a URI. `draw()` gives a number in [0, 1) for the weighted order of SRV; it
    is not called where there is nothing to choose."""
    host = (uri.param(b"maddr") or uri.host).decode("ascii", "replace").rstrip(".").lower()
    wanted = _wanted_transport(uri)
    if wanted is not None and wanted not in speaks.transports:
        raise LocateError(f"{host}: {wanted} is not spoken here")
    transport = wanted or _default_transport(uri, speaks)
    literal = _literal(host)
    if literal is not None:
        if not _is_spoken(literal, speaks):
            raise LocateError(f"{literal}: this address family is not spoken here")
        name = host if transport in SECURE else None
        return [Hop(transport, literal, uri.port or DEFAULT_PORT[transport], name)]
    if uri.port is not None:
        return (yield from _addresses(host, transport, uri.port, host, speaks))
    absent: set[str] = set()
    hops: list[Hop] = []
    if wanted is None:
        services = yield from _by_naptr(uri, host, speaks)
        hops = yield from _by_srv(services, host, speaks, draw, absent)
    if not hops:
        services = _without_naptr(uri, host, speaks, wanted)
        hops = yield from _by_srv(services, host, speaks, draw, absent)
    if hops:
        return hops
    if transport in absent:
        raise LocateError(f"{host} does not offer {transport}")
    return (yield from _addresses(host, transport, DEFAULT_PORT[transport], host, speaks))


def _wanted_transport(uri: SipUri) -> str | None:
    """transport= with sips meaning TLS over it (s4.1); None where the URI leaves it open."""
    asked = uri.transport
    if asked is None:
        return None
    text = asked.decode("ascii", "replace")
    if text == "tls" or (uri.is_sips and text == "tcp"):
        return "tls"
    if text in ("ws", "wss"):
        return "wss" if uri.is_sips or text == "wss" else "ws"
    if text in ("udp", "tcp"):
        if uri.is_sips:
            raise LocateError(f"sips cannot go over {text}")
        return text
    raise LocateError(f"transport {text!r} is not spoken here")


def _default_transport(uri: SipUri, speaks: Speaks) -> str:
    """TLS for sips, else UDP (s4.1), or what comes nearest to that where UDP is off."""
    for transport in ("tls",) if uri.is_sips else ("udp", "tcp", "tls"):
        if transport in speaks.transports:
            return transport
    raise LocateError(f"{uri.host_text}: no transport for {uri.scheme.decode()} is spoken here")


def _by_naptr(uri: SipUri, host: str, speaks: Speaks) -> Generator[Question, Answer, _Services]:
    """Services in NAPTR order. Only terminal records count, those that name SRV: a chain of
    rewritings is no SIP service (s4.1) and may be a loop."""
    usable: dict[tuple[str, str], tuple[Lead, ...]] = {}
    answer = yield from _ask_if_possible(Question("NAPTR", host))
    records = [one for one in answer if isinstance(one, Naptr)]
    for record in sorted(records, key=lambda one: (one.order, one.preference)):
        transport = _SERVICES.get(record.service.upper())
        if transport is None or transport not in speaks.transports:
            continue
        if record.flags.lower() != "s" or not record.replacement.strip("."):
            continue
        if uri.is_sips and transport not in SECURE:
            continue
        service = (transport, record.replacement.rstrip(".").lower())
        usable.setdefault(service, (Lead("NAPTR", host, record),))
    return [(*service, leads) for service, leads in usable.items()][:_MOST_SERVICES]


def _without_naptr(uri: SipUri, host: str, speaks: Speaks, wanted: str | None) -> _Services:
    """One SRV name for each transport that we speak, or for the one that is wanted."""
    return [
        (transport, _SRV_PREFIX[transport] + host, ())
        for transport in ((wanted,) if wanted else speaks.transports)
        if wanted or transport not in _BY_NAPTR_ALONE
        if not uri.is_sips or transport in SECURE
    ]


def _by_srv(
    services: _Services,
    host: str,
    speaks: Speaks,
    draw: Callable[[], float],
    absent: set[str],
) -> Generator[Question, Answer, list[Hop]]:
    """The hops of all services, each once; transports that a "." denies go into `absent`."""
    hops: dict[Hop, None] = {}
    along = tuple([Question("SRV", name) for _, name, _ in services[1:]])
    for transport, name, leads in services:
        answer = yield from _ask_if_possible(Question("SRV", name, along))
        along = ()
        records = [one for one in answer if isinstance(one, Srv)]
        if len(records) == 1 and not records[0].target.strip("."):
            absent.add(transport)
            continue
        absent.discard(transport)
        for record in srv_order(records, draw)[:_MOST_RECORDS]:
            target = record.target.rstrip(".").lower()
            if not target or not record.port:
                continue
            try:
                led = (*leads, Lead("SRV", name, record))
                found = yield from _addresses(target, transport, record.port, host, speaks, led)
            except LocateError:
                continue  # a target without an address; the next one may have one
            hops |= dict.fromkeys(found)
            if len(hops) >= MOST_HOPS:
                return list(hops)[:MOST_HOPS]
    return list(hops)


def srv_order(records: Sequence[Srv], draw: Callable[[], float]) -> list[Srv]:
    """By priority; equals by weighted draw, weight 0 with a very small chance (RFC 2782)."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        group = [record for record in records if record.priority == priority]
        group.sort(key=lambda record: record.weight)
        while len(group) > 1:
            ordered.append(group.pop(_drawn(group, draw())))
        ordered += group
    return ordered


def _drawn(group: list[Srv], number: float) -> int:
    """The first whose running sum of weights is at least a number from 0 to the sum."""
    total = sum(record.weight for record in group)
    if not total:
        return int(number * len(group))
    point = int(number * (total + 1))
    running = 0
    for at, record in enumerate(group[:-1]):
        running += record.weight
        if running >= point:
            return at
    return len(group) - 1


def _addresses(
    name: str,
    transport: str,
    port: int,
    domain: str,
    speaks: Speaks,
    leads: tuple[Lead, ...] = (),
) -> Generator[Question, Answer, list[Hop]]:
    """All addresses of a host in the families that we speak (RFC 7984), IPv6 first."""
    tls_name = domain if transport in SECURE else None
    failure: LocateError | None = None
    hops: list[Hop] = []
    for question in _address_questions(name, speaks):
        try:
            answer = yield question
        except LocateError as error:
            failure = error
            continue
        for text in answer[:_MOST_RECORDS]:
            address = _literal(text) if isinstance(text, str) else None
            if address is not None and not _is_nobody(address):
                led = (*leads, Lead(question.kind, name, address))
                hops.append(Hop(transport, address, port, tls_name, leads=led))
    if hops:
        return hops[:MOST_HOPS]
    raise failure or LocateError(f"{name} has no address")


def _address_questions(name: str, speaks: Speaks) -> Iterator[Question]:
    further = (Question("A", name),) if speaks.ipv4 and speaks.asks_a else ()
    if speaks.ipv6 and speaks.asks_aaaa:
        yield Question("AAAA", name, further)
    yield from further


def _ask_if_possible(question: Question) -> Generator[Question, Answer, Answer]:
    try:
        return (yield question)
    except LocateError:
        return []


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return None


def _is_spoken(address: str, speaks: Speaks) -> bool:
    return speaks.ipv6 if ":" in address else speaks.ipv4


def _is_nobody(address: str) -> bool:
    """A DNS answer that names no host."""
    parsed = ip_address(address)
    return parsed.is_unspecified or parsed.is_multicast or address == "255.255.255.255"
