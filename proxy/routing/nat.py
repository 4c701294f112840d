"""Is the sender behind a NAT (docs/behaviour.md s2 step 7)?

It is only noted: replies go to received and rport, and sealed tokens name the flow by which later
requests reach that side. Where a domain says so (`nat_alias_contact`), Contact is rewritten to the
source address with `;nat=yes` besides, as the talk does, for user agents that lose route sets.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Branch, RequestContext
from proxy.sip.fields import NameAddr
from proxy.sip.lines import has
from proxy.sip.uri import SipUri

if TYPE_CHECKING:
    from proxy.directory.model import Domain
    from proxy.node import Node
    from proxy.sip.message import Request, Response
    from proxy.transport.flow import Address

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
_HAS_CONTACT: Final = frozenset(
    (b"REGISTER", b"INVITE", b"SUBSCRIBE", b"REFER", b"NOTIFY", b"UPDATE", b"PUBLISH")
)


def note_source(call: RequestContext) -> None:
    """Set `caller_nat`: only over IPv4, and only when the sender is adjacent to us."""
    if call.flow.family == 6 or b"record-route" in call.fields:
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
    if call.method not in _HAS_CONTACT:
        return False
    for contact in call.request.contacts:
        uri = contact.uri
        if isinstance(uri, SipUri) and (uri.host != source or is_inside(uri.host)):
            return True
    return False


def is_inside(host: bytes) -> bool:
    """Whether a host is an address that the internet does not route (RFC 1918, 6598, 3927)."""
    if host.startswith(_INSIDE_PREFIXES):
        return True
    if not host.startswith((b"172.", b"100.")):
        return False
    try:
        address = ip_address(host.decode("ascii", "replace"))
    except ValueError:
        return False
    return isinstance(address, IPv4Address) and any(address in inside for inside in _INSIDE)


def alias_contact(call: RequestContext, node: Node) -> None:
    """Contact of a request from behind a NAT becomes its source address."""
    if not call.caller_nat or call.flow.is_websocket or b"contact" not in call.fields:
        return
    domain = _domain(call, node, call.original.from_)
    if domain is not None and domain.nat_alias_contact:
        _write_alias(call.request, call.source)


def alias_contact_in_reply(
    call: RequestContext, branch: Branch | None, response: Response, node: Node
) -> None:
    """The same for what is answered from behind a NAT: a registered phone's side, or one whose
    alias stood in the Request-URI."""
    if branch is None or branch.flow is None or not (branch.target.nat or call.notes.far_nat):
        return
    domain = branch.target.domain or _domain(call, node, call.original.to)
    if domain is not None and domain.nat_alias_contact and response.headers.has(b"contact"):
        _write_alias(response, branch.flow.remote)


def take_off_alias(call: RequestContext) -> None:
    """`;nat=yes` in the Request-URI is ours: taken out and remembered (docs/behaviour.md s5)."""
    if not has(call.request.uri_raw, b";nat=yes"):
        return
    uri = call.request.uri
    if isinstance(uri, SipUri):
        call.notes.far_nat = True
        call.request.uri = uri.without_params(b"nat")


def _domain(call: RequestContext, node: Node, side: NameAddr) -> Domain | None:
    """The domain of ours that a side of the dialog belongs to, else that of the call."""
    if isinstance(side.uri, SipUri):
        domain = node.directory.domain(side.uri.host.lower().rstrip(b"."))
        if domain is not None:
            return domain
    return call.domain or call.callee_domain


def _write_alias(message: Request | Response, source: Address) -> None:
    contacts = message.contacts
    if len(contacts) != 1:
        return
    contact = contacts[0]
    if not isinstance(contact.uri, SipUri):
        return
    uri = contact.uri.with_(host=source[0].encode(), port=source[1]).with_param(b"nat", b"yes")
    message.headers.set(b"contact", NameAddr(uri, contact.params, contact.display).serialise())
