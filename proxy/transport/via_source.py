"""The source of a request in its top Via, and where responses go by it (RFC 3261 s18.2, RFC 3581).

Responses go to where the request came from. `received` that a sender wrote itself is overwritten,
and an `maddr` is followed to SIP's own multicast group alone: what a stranger writes into a Via
must not make us send to somebody else, such as all who speak mDNS beside us.
"""

from __future__ import annotations

from typing import Final

from proxy.sip.errors import ParseError
from proxy.sip.fields import Via
from proxy.sip.headers import Line
from proxy.sip.lines import has
from proxy.sip.message import Request
from proxy.sip.uri import DEFAULT_PORT

from .addresses import canonical
from .flow import Address, Flow

_SIP_GROUP: Final = "224.0.1.75"
"""sip.mcast.net (RFC 3261 s10.2.6)."""


def stamp_source(request: Request, flow: Flow) -> None:
    """Note the source on the top Via (s18.2.1, RFC 3581 s4).

    `received` is added where sent-by names another address or where somebody wrote one before us.
    A sender without `rport` whose sent-by is not where it is, is behind a NAT: it gets an `rport`
    as well, or no answer would reach it. Raises ParseError for a Via that is none.
    """
    host, port = flow.remote
    source = host.encode()
    at, raw = _top_line(request.headers.lines)
    lowered = raw.lower()
    if not (has(lowered, b"received") or has(raw, b",") or has(raw, b'"')):
        # As nearly all are: with the flag rport, or the sender is where it says.
        count = lowered.count(b"rport")
        if count == 1 and (has(raw, b";rport;") or raw.endswith(b";rport")):
            noted = b";rport=%d;received=%b" % (port, source)
            request.headers.put_at(at, b"via", raw.replace(b";rport", noted))
            return
        sent_by = raw.partition(b";")[0].rpartition(b" ")[2]
        if not count and sent_by.partition(b":")[0] == source:
            return
    _stamp_parsed(request, flow, source)


def _top_line(lines: list[Line]) -> tuple[int, bytes]:
    for at, (name, raw) in enumerate(lines):
        if name == b"via":
            return at, raw
    raise ParseError("no via field")


def _stamp_parsed(request: Request, flow: Flow, source: bytes) -> None:
    via = request.via
    host, port = flow.remote
    is_same = via.host == source or _is_spelling_of(host, via.host)
    rport = via.param(b"rport")
    if is_same and rport is None and via.param(b"received") is None:
        return
    via = via.with_param(b"received", source)
    if rport is not None or (not is_same and flow.protocol == "udp"):
        via = via.with_param(b"rport", b"%d" % port)
    request.put_top_via(via)


def reply_address(via: Via, arrived: Flow) -> Address:
    """Where responses go when no connection is left to carry them (s18.2.2)."""
    port = via.port or DEFAULT_PORT[arrived.protocol]
    group = _multicast_group(via)
    if group is not None:
        return group, port
    if arrived.protocol == "udp":
        port = source_port(via) or port
    return arrived.remote[0], port


def source_port(via: Via) -> int | None:
    """The port that was noted in `rport`; None where there is none (RFC 3581 s4)."""
    rport = via.param(b"rport")
    if not rport or not rport.isdigit() or len(rport) > 5 or not 0 < int(rport) < 65536:
        return None
    return int(rport)


def _multicast_group(via: Via) -> str | None:
    maddr = via.param(b"maddr")
    address = canonical(maddr.decode("ascii", "replace")) if maddr else None
    return address if address == _SIP_GROUP else None


def _is_spelling_of(address: str, host: bytes) -> bool:
    return b":" in host and canonical(host.decode("ascii", "replace")) == address
