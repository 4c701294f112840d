"""Is the sender behind a NAT (SEED s2 step 7)? Noted only; tokens do what rewriting did."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import Final

from proxy.core.request_context import RequestContext
from proxy.sip.uri import SipUri

_INSIDE: Final = tuple(
    IPv4Network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
    )
)
_INSIDE_PREFIXES: Final = (b"10.", b"192.168.", b"127.", b"169.254.")
_REGISTER_OR_DIALOG: Final = frozenset(
    (b"REGISTER", b"INVITE", b"SUBSCRIBE", b"REFER", b"NOTIFY", b"UPDATE", b"PUBLISH")
)


def note_source(call: RequestContext) -> None:
    """Set `caller_nat`: only over IPv4, and only when the sender is adjacent to us."""
    if call.flow.family == 6 or call.request.headers.has(b"record-route"):
        return
    call.caller_nat = call.flow.is_websocket or is_behind_nat(call)


def is_behind_nat(call: RequestContext) -> bool:
    """Contact holds an inside address, or Via or Contact name another place than the source."""
    host, port = call.source
    via = call.original.via
    source = host.encode()
    if via.host != source:
        return True
    if call.flow.protocol == "udp" and (via.port or 5060) != port:
        return True
    contacts = call.request.contacts if call.method in _REGISTER_OR_DIALOG else ()
    for contact in contacts:
        uri = contact.uri
        if isinstance(uri, SipUri) and (uri.host != source or is_inside(uri.host)):
            return True
    return False


def is_inside(host: bytes) -> bool:
    """Whether a host is an address that the internet does not route (RFC 1918, 6598, 3927)."""
    if host.startswith(_INSIDE_PREFIXES):
        return True
    if not host[:1].isdigit() or not host.startswith((b"172.", b"100.")):
        return False
    try:
        address = ip_address(host.decode("ascii"))
    except ValueError:
        return False
    return isinstance(address, IPv4Address) and any(address in inside for inside in _INSIDE)
