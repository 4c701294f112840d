"""Who is not listened to: floods, scanners, unknown methods, hop limits, attacks by Route.

docs/behaviour.md s2 steps 1 to 5, s3 where it is about Route.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from proxy.core.request_context import Drop, Reject, RequestContext
from proxy.sip.uri import SipUri
from proxy.transport.flow import Address

if TYPE_CHECKING:
    from proxy.node import Node
    from proxy.settings import ProxySettings

log = logging.getLogger(__name__)

Network = IPv4Network | IPv6Network

ALLOW: Final = (
    b"INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, MESSAGE, SUBSCRIBE, NOTIFY, REFER, INFO, PRACK,"
    b" UPDATE, PUBLISH"
)
METHODS: Final = frozenset(ALLOW.split(b", "))
_TOO_BUSY: Final = (
    (b"retry-after", b"32"),  # what is remembered now has ended by then
    (b"warning", b'399 fedsip "this server takes nothing more from strangers just now"'),
)
_MOST_SOURCES: Final = 200_000
_LONGEST_LINE: Final = 200  # bytes, of those that are remembered
_SIGN_IN_REQUESTS: Final = 2  # one is challenged, one has the credentials


class Floods:
    """Requests of each source address in a window; sources above the limit are banned a while.

    Memory is bounded: the sources that were quiet longest are forgotten first.
    """

    __slots__ = (
        "_allowed",
        "_banned",
        "_counts",
        "_known",
        "_limit",
        "_manual",
        "_seconds",
        "_settings",
        "_trusted",
        "fresh",
    )

    def __init__(self, settings: ProxySettings) -> None:
        self._settings = settings
        self._limit = settings.flood_requests
        self._seconds = settings.flood_seconds
        self._counts: OrderedDict[str, list[float]] = OrderedDict()
        self._banned: OrderedDict[str, float] = OrderedDict()
        self._known: OrderedDict[Address, None] = OrderedDict()
        self._trusted: dict[str, bool] = {}
        self._allowed: tuple[Network, ...] = ()
        self._manual: set[str] = set()  # blocked by people, whoever has signed in from there
        self.fresh = ""
        """The address that the last question has banned."""

    def is_banned(self, source: Address, *, now: float) -> bool:
        """Count one request from there; whether it is to be ignored."""
        host = source[0]
        if source in self._known and host not in self._manual:
            return False
        until = self._banned.get(host)
        if until is not None:
            if now < until:
                return not self.is_trusted(host)
            self.lift(host)
        count = self._counts.get(host)
        if count is None or now - count[0] >= self._seconds:
            self._counts[host] = [now, 1.0]
            self._counts.move_to_end(host)
            if len(self._counts) > _MOST_SOURCES:
                self._counts.popitem(last=False)
            return False
        count[1] += 1
        if count[1] <= self._limit or self.is_trusted(host):
            return False
        self._ban(host, now)
        return True

    def know(self, source: Address) -> None:
        """An authenticated flow: no limit for it. What its sign-in took is not held against the
        address, or an office behind one NAT would be banned whenever its power comes back."""
        if source in self._known:
            return
        self._known[source] = None
        if len(self._known) > _MOST_SOURCES:
            self._known.popitem(last=False)
        count = self._counts.get(source[0])
        if count is not None:
            count[1] = max(0.0, count[1] - _SIGN_IN_REQUESTS)

    def banned(self, *, now: float) -> list[str]:
        """Addresses that are ignored now."""
        return [host for host, until in self._banned.items() if now < until]

    def lift(self, host: str) -> bool:
        """Listen to an address again; whether it was banned."""
        self._counts.pop(host, None)
        self._manual.discard(host)
        return self._banned.pop(host, None) is not None

    def block(self, host: str, *, until: float, is_manual: bool = False) -> None:
        """Ignore an address. What people say holds for authenticated flows, too."""
        self._banned[host] = until
        if is_manual:
            self._manual.add(host)
        if len(self._banned) > _MOST_SOURCES:
            self._manual.discard(self._banned.popitem(last=False)[0])

    def allow(self, networks: Iterable[Network]) -> None:
        """Networks that are never ignored, beside those of the settings."""
        allowed = tuple(networks)
        if allowed != self._allowed:
            self._allowed = allowed
            self._trusted.clear()

    def _ban(self, host: str, now: float) -> None:
        self.block(host, until=now + self._settings.flood_ban_seconds)
        self.fresh = host
        log.warning("flood, source banned source=%s limit=%d", host, self._limit)

    def is_trusted(self, host: str) -> bool:
        """Whether no limit and no block applies to an address."""
        trusted = self._trusted.get(host)
        if trusted is None:
            address = ip_address(host)
            networks = (*self._settings.trusted_sources, *self._allowed)
            trusted = any(address in network for network in networks)
            if len(self._trusted) > _MOST_SOURCES:
                self._trusted.clear()
            self._trusted[host] = trusted
        return trusted


def drop_floods(call: RequestContext, node: Node) -> None:
    """More than so many requests in a few seconds: the source is ignored for an hour."""
    floods = node.floods
    if floods.is_banned(call.source, now=call.now):
        if floods.fresh == call.source[0]:
            floods.fresh = ""
            settings = node.settings
            node.blocks.noticed(
                call.source[0],
                "flood",
                f"more than {settings.flood_requests} requests in {settings.flood_seconds:.0f} s, "
                f"the last one {_shown(call)}",
                seconds=settings.flood_ban_seconds,
            )
        raise Drop("flood")


def drop_scanners(call: RequestContext, node: Node) -> None:
    """Known attack tools get no answer, which would tell them that somebody is here."""
    line = call.fields.get(b"user-agent")
    if line is not None and is_scanner(line, node.scanner_prefixes):
        host, seconds = call.source[0], node.settings.flood_ban_seconds
        log.info("scanner source=%s agent=%r", host, line[:80])
        if not node.floods.is_trusted(host):
            node.floods.block(host, until=call.now + seconds)
            node.blocks.noticed(host, "scanner", _shown(call), seconds=seconds)
        raise Drop("scanner")


def _shown(call: RequestContext) -> str:
    """A request in one line, as evidence."""
    agent = call.fields.get(b"user-agent", b"").partition(b":")[2].strip()
    text = b"%b %b, %b" % (call.method, call.original.uri_raw[:100], agent[:100] or b"no agent")
    return text.decode("utf-8", "replace")


def is_scanner(line: bytes, prefixes: tuple[bytes, ...]) -> bool:
    """Whether a User-Agent line is that of an attack tool."""
    if len(line) > _LONGEST_LINE:
        return _begins(line, prefixes)
    return _remembered_begins(line, prefixes)


@lru_cache(maxsize=10_000)
def _remembered_begins(line: bytes, prefixes: tuple[bytes, ...]) -> bool:
    """By the whole header line: there are few different ones among many requests."""
    return _begins(line, prefixes)


def _begins(line: bytes, prefixes: tuple[bytes, ...]) -> bool:
    return line.partition(b":")[2].strip().lower().startswith(prefixes)


def refuse_unknown_methods(call: RequestContext, node: Node) -> None:
    """Methods that nobody here understands, addressed to ourselves (405); what is addressed to
    others is proxied whatever it is (RFC 3261 s16)."""
    method = call.method
    if method in METHODS and method != b"SUBSCRIBE":
        return
    uri = call.request.uri
    if not isinstance(uri, SipUri) or uri.user or not call.is_initial:
        return
    if node.is_local(uri):
        raise Reject(405, headers=((b"allow", ALLOW),))


def check_max_forwards(call: RequestContext) -> None:
    """No hops left (483), but for what ends here: an OPTIONS to us is answered (s16.3 step 3)."""
    if call.request.max_forwards == 0 and call.method != b"REGISTER":
        uri = call.request.uri
        if call.method == b"OPTIONS" and isinstance(uri, SipUri) and not uri.user:
            return
        raise Reject(483)


def refuse_extensions(call: RequestContext, known: frozenset[bytes] = frozenset()) -> None:
    """Of what is answered here: 420 for what it requires and we do not know (RFC 3261 s8.2.2.3)."""
    unknown = call.request.option_tags(b"require") - known
    if unknown:
        raise Reject(420, headers=((b"unsupported", b", ".join(sorted(unknown))),))


def drop_stray_acks(call: RequestContext) -> None:
    """An ACK belongs to a dialog or to a transaction; this one was found in neither."""
    if call.method == b"ACK":
        raise Drop("ACK without a dialog")


def refuse_preloaded_routes(call: RequestContext) -> None:
    """A Route that leads elsewhere on a first request would make us an open relay (403)."""
    if call.request.headers.has(b"route"):
        raise _route_denied(b"a first request may have no Route that leads elsewhere")


def refuse_strangers_when_full(call: RequestContext) -> None:
    """A node that has more to remember than it should takes what its users and trunks begin, and
    what is within dialogs; of others nothing (503)."""
    if call.subscriber is None and call.is_node_full:
        raise Reject(503, b"Too Busy", _TOO_BUSY)


def refuse_strangers_in_dialogs(call: RequestContext) -> None:
    """A To tag alone opens nothing: without one of our tokens on its Route a request within a
    dialog is not for us to forward (404 as in the seed; an ACK is dropped). And a token of a
    dialog opens nothing for a request that begins another one (403)."""
    if call.binding_aor is not None:
        return
    if call.direction is None:
        if call.method == b"ACK":
            raise Drop("ACK without a dialog of ours")
        raise Reject(404, b"Not here")
    if not call.is_in_dialog:
        raise _route_denied(b"the Route of a dialog leads no request that begins another one")


def _route_denied(why: bytes) -> Reject:
    return Reject(403, b"Preload Route denied", ((b"warning", b'399 fedsip "%b"' % why),))
