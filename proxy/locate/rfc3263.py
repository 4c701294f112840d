"""Locating SIP servers (RFC 3263): the selection, as a generator that asks and returns hops.

    answers = yield Question(...)     # the driver sends the answers to each question
    return [Hop, Hop, ...]            # in the order of trying; LocateError when there is none

No DNS in here, so the whole procedure is tested from tables of zones:

    IP literal             no question; UDP for sip, TLS for sips, unless transport= says otherwise
    port in the URI        addresses only
    transport= in the URI  SRV for that transport, then addresses
    neither                NAPTR, by order and preference, services that we speak
                           no NAPTR: SRV for each transport that we speak
                           no SRV: addresses, default port and transport

sips and a domain that is asked for over TLS keep their name for the certificate (RFC 5922).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal

from proxy.sip.uri import SipUri

from .hop import Hop

DEFAULT_PORT: Final = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}
MOST_HOPS: Final = 16
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


class LocateError(Exception):
    """A URI leads nowhere; the message says at which question."""


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to ask: the answers are Naptr, Srv or address texts, [] for none.

    The driver raises LocateError into the generator when the DNS fails (SERVFAIL, timeout).
    """

    kind: Literal["NAPTR", "SRV", "A", "AAAA"]
    name: str


@dataclass(frozen=True, slots=True)
class Naptr:
    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    priority: int
    weight: int
    port: int
    target: str


Answer = Sequence[Naptr] | Sequence[Srv] | Sequence[str]
Selection = Generator[Question, Answer, list[Hop]]


@dataclass(frozen=True, slots=True)
class Speaks:
    """What this node can send by: transports in our order of preference, address families."""

    transports: tuple[str, ...] = ("udp", "tcp", "tls")
    ipv4: bool = True
    ipv6: bool = True


def locate(uri: SipUri, speaks: Speaks, draw: Callable[[], float]) -> Selection:
    """Select hops for a URI. `draw()` gives a number in [0, 1) for the weighted order of SRV."""
    host = (uri.param(b"maddr") or uri.host).decode("ascii", "replace").rstrip(".")
    wanted = _wanted_transport(uri)
    literal = _literal(host)
    if literal is not None:
        transport = wanted or ("tls" if uri.is_sips else "udp")
        _check(transport, speaks, host)
        return [
            Hop(transport, literal, uri.port or DEFAULT_PORT[transport], _tls_name(host, transport))
        ]
    if uri.port is not None:
        transport = wanted or ("tls" if uri.is_sips else "udp")
        _check(transport, speaks, host)
        return (yield from _addresses(host, transport, uri.port, host, speaks))
    if wanted is not None:
        _check(wanted, speaks, host)
        services = [(wanted, _SRV_PREFIX[wanted] + host)]
    else:
        services = yield from _by_naptr(uri, host, speaks)
    hops: list[Hop] = []
    for transport, name in services:
        hops += yield from _by_srv(transport, name, host, speaks, draw)
        if len(hops) >= MOST_HOPS:
            break
    if hops:
        return hops[:MOST_HOPS]
    transport = wanted or ("tls" if uri.is_sips else "udp")
    _check(transport, speaks, host)
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


def _check(transport: str, speaks: Speaks, host: str) -> None:
    if transport not in speaks.transports:
        raise LocateError(f"{host}: {transport} is not spoken here")


def _by_naptr(
    uri: SipUri, host: str, speaks: Speaks
) -> Generator[Question, Answer, list[tuple[str, str]]]:
    """Services in NAPTR order, else every transport that we speak, as (transport, SRV name)."""
    records = [one for one in (yield Question("NAPTR", host)) if isinstance(one, Naptr)]
    usable = []
    for record in sorted(records, key=lambda one: (one.order, one.preference))[:_MOST_RECORDS]:
        transport = _SERVICES.get(record.service.upper())
        if transport is None or transport not in speaks.transports:
            continue
        if record.flags.lower() != "s" or not record.replacement.strip("."):
            continue
        if uri.is_sips and transport not in ("tls", "wss"):
            continue
        usable.append((transport, record.replacement.rstrip(".")))
    if usable:
        return usable
    return [
        (transport, _SRV_PREFIX[transport] + host)
        for transport in speaks.transports
        if not uri.is_sips or transport in ("tls", "wss")
        if transport not in ("ws", "wss")
    ]


def _by_srv(
    transport: str, name: str, host: str, speaks: Speaks, draw: Callable[[], float]
) -> Generator[Question, Answer, list[Hop]]:
    records = [one for one in (yield Question("SRV", name)) if isinstance(one, Srv)]
    if len(records) == 1 and not records[0].target.strip("."):
        return []  # "the service is decidedly not available at this domain" (RFC 2782)
    hops: list[Hop] = []
    for record in srv_order(records[:_MOST_RECORDS], draw):
        target = record.target.rstrip(".")
        if not target:
            continue
        try:
            hops += yield from _addresses(target, transport, record.port, host, speaks)
        except LocateError:
            continue  # a target without an address; the next one may have one
        if len(hops) >= MOST_HOPS:
            break
    return hops


def srv_order(records: Sequence[Srv], draw: Callable[[], float]) -> list[Srv]:
    """By priority; equals by weighted draw, weight 0 with a very small chance (RFC 2782)."""
    ordered: list[Srv] = []
    for priority in sorted({record.priority for record in records}):
        group = sorted(
            (record for record in records if record.priority == priority),
            key=lambda record: record.weight,
        )
        while group:
            point = draw() * (sum(record.weight for record in group) + 1e-9)
            chosen = group[-1]
            for record in group:
                point -= record.weight
                if point < 0:
                    chosen = record
                    break
            group.remove(chosen)
            ordered.append(chosen)
    return ordered


def _addresses(
    name: str, transport: str, port: int, domain: str, speaks: Speaks
) -> Generator[Question, Answer, list[Hop]]:
    """All addresses of a host in the families that we speak (RFC 7984), IPv6 first."""
    hops: list[Hop] = []
    for kind, is_on in (("AAAA", speaks.ipv6), ("A", speaks.ipv4)):
        if not is_on:
            continue
        question = Question("AAAA" if kind == "AAAA" else "A", name)
        for address in (yield question)[:_MOST_RECORDS]:
            if isinstance(address, str):
                hops.append(Hop(transport, address, port, _tls_name(domain, transport)))
    if not hops:
        raise LocateError(f"{name} has no address")
    return hops


def _tls_name(domain: str, transport: str) -> str | None:
    return domain if transport in ("tls", "wss") else None


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return None
