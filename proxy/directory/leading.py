"""Where an address leads: by a trunk, away, to a ring group, to a user of ours, or nowhere. Pure.

Decided here alone: for calls (proxy/routing/destination.py) and for those who ask beforehand what
would become of one (fedsip_platform/routing/following.py). How a user's phones or another domain
are reached is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from proxy.locate.enum import is_number
from proxy.sip.uri import Aor, SipUri, unescape

from .destination_class import class_of, is_allowed
from .model import Alias, Domain, Forward, Gateway, RingGroup, Trunk
from .numbers import normalised

if TYPE_CHECKING:
    from .protocols import Known

_MOST_DIVERSIONS: Final = 5
RELAYING_DENIED: Final = b"Relaying denied"
LATER: Final = ("busy", "no_answer", "not_registered")
"""Conditions of forwards that are followed after the phones have been tried."""


@dataclass(frozen=True, slots=True)
class Diversion:
    """A user or ring group that sent the call elsewhere."""

    aor: Aor
    condition: str


@dataclass(frozen=True, slots=True)
class Payer:
    """The caller, or the last one who diverted the call: his domain's rules and policies hold."""

    domain: Domain | None
    aor: Aor | None
    """None for a stranger, or for a caller of an open domain."""
    diversions: tuple[Diversion, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Nowhere."""

    status: int
    reason: bytes | None = None
    not_allowed: str = ""
    """The class of destination that an outbound policy does not allow."""


@dataclass(frozen=True, slots=True)
class ByTrunk:
    """To a carrier."""

    trunk: Trunk
    gateways: tuple[Gateway, ...]
    """In no order yet; see `in_order`."""


@dataclass(frozen=True, slots=True)
class Away:
    """To another domain, as far as its federation policy lets it."""

    payer: Domain


@dataclass(frozen=True, slots=True)
class ToGroup:
    """To the members of a ring group."""

    domain: Domain
    group: RingGroup
    alias: Alias | None


@dataclass(frozen=True, slots=True)
class ToUser:
    """To the phones of a user, if there is one."""

    domain: Domain
    uri: SipUri
    alias: Alias | None
    forwards: Mapping[str, Forward]


Lead = Refused | ByTrunk | Away | ToGroup | ToUser


def host_name(uri: SipUri) -> bytes:
    """The host of a URI as domains are named."""
    return uri.host.lower().rstrip(b".")


def peer_name(uri: SipUri) -> bytes:
    """The domain to whose servers a foreign URI leads: `maddr` takes the host's place (RFC 3263
    s4), so it is the one that policies are asked about."""
    maddr = uri.param(b"maddr")
    return maddr.lower().rstrip(b".") if maddr else host_name(uri)


def uri_of(address: bytes, scheme: bytes) -> SipUri:
    """user@host as a URI; the user is kept as it is written in one. The scheme is that of the URI
    which led there: what was called as sips stays it (RFC 3261 s16.6 step 2, RFC 5630 s5.3)."""
    user, _, host = address.rpartition(b"@")
    return SipUri(scheme, user, host)


def no_less_secure(found: list[SipUri], uri: SipUri) -> list[SipUri]:
    """The addresses that the DNS has for a URI, all of them sips where that one is."""
    return [one.with_(scheme=uri.scheme) for one in found] if uri.is_sips else found


def lead(known: Known, payer: Payer, uri: SipUri, trunk: bytes = b"") -> Lead:
    """Where a URI leads on somebody's account, by a trunk if a rule says so."""
    if trunk:
        return _by_trunk(known, payer, uri, trunk)
    domain = known.domain(host_name(uri))
    if domain is None:
        return _away(known, payer, uri)
    if not domain.enabled:
        return Refused(404)
    alias = known.routes.alias(uri.aor())
    if alias is not None:
        uri = uri_of(alias.target, uri.scheme)
        domain = known.domain(uri.host) or domain
    group = known.routes.group(uri.aor())
    if group is not None:
        return ToGroup(domain, group, alias)
    return ToUser(domain, uri, alias, known.routes.forwards_of(uri.aor()))


def _by_trunk(known: Known, payer: Payer, uri: SipUri, name: bytes) -> Lead:
    domain = payer.domain
    trunk = None if domain is None else known.routes.trunk(domain.domain_id, name)
    if domain is None or trunk is None or payer.aor is None:
        return Refused(503, b"No such trunk")
    kind = _not_allowed(known, payer, uri, by_trunk=True)
    if kind:
        return Refused(403, b"Destination Not Allowed", kind)
    gateways = known.routes.gateways_of(trunk)
    return ByTrunk(trunk, gateways) if gateways else Refused(503, b"Trunk without gateways")


def _away(known: Known, payer: Payer, uri: SipUri) -> Lead:
    """Only on the account of a user of ours: one who proved it, or one who diverted the call; or
    from an open domain whose tenant lets it call out."""
    domain = payer.domain
    if domain is None:
        return Refused(403, RELAYING_DENIED)
    if payer.aor is None and not domain.unauthenticated_calls_out:
        return Refused(403, b"Calls to other domains are not allowed")
    kind = _not_allowed(known, payer, uri, by_trunk=False)
    return Refused(403, b"Destination Not Allowed", kind) if kind else Away(domain)


def _not_allowed(known: Known, payer: Payer, uri: SipUri, *, by_trunk: bool) -> str:
    """The class of the called user, where an outbound policy does not allow it; else nothing."""
    if payer.aor is None or payer.domain is None:
        return ""
    policy = known.routes.policy(payer.aor, payer.domain.domain_id)
    if policy is None:
        return ""
    user = unescape(uri.user or b"")
    kind = class_of(user, payer.domain.e164_country, is_domain=not by_trunk)
    return "" if is_allowed(policy, user, kind) else kind


def in_order(
    gateways: Iterable[Gateway], dead: Container[int], draw: Callable[[], float]
) -> list[Gateway]:
    """Gateways in the order of trying: by priority, equals by weighted draw in [0, 1), those that
    do not answer OPTIONS last."""
    left = list(gateways)
    ordered = []
    while left:
        first = min((one.gateway_id in dead, one.priority) for one in left)
        group = [one for one in left if (one.gateway_id in dead, one.priority) == first]
        point = draw() * sum(one.weight for one in group)
        for gateway in group:
            point -= gateway.weight
            if point < 0:
                break
        ordered.append(gateway)
        left.remove(gateway)
    return ordered


def uri_at(gateway: Gateway, uri: SipUri) -> SipUri:
    """The Request-URI for a gateway."""
    made = uri.without_params(b"maddr", b"transport").with_(host=gateway.host, port=gateway.port)
    return made.with_param(b"transport", gateway.transport) if gateway.transport else made


def at_once(forwards: Mapping[str, Forward], *, is_reachable: bool) -> Forward | None:
    """The forward that is followed before any phone has rung, if there is one."""
    if "always" in forwards:
        return forwards["always"]
    return None if is_reachable else forwards.get("not_registered")


def divert(
    known: Known, payer: Payer, aor: Aor, condition: str, destination: SipUri
) -> tuple[Payer, SipUri] | Refused:
    """On whose account a call goes on, and what is called then, when a user or ring group has sent
    it to a destination."""
    domain = known.domain(aor.rpartition(b"@")[2])
    if domain is None:
        return Refused(404)
    before = payer.diversions
    if len(before) >= _MOST_DIVERSIONS or any(each.aor == aor for each in before):
        return Refused(482, b"Too many diversions")
    diverted = Payer(domain, aor, (*before, Diversion(aor, condition)))
    return diverted, normalised(domain, destination)


def wants_enum(known: Known, domain: Domain | None, uri: SipUri, trunk: bytes = b"") -> bool:
    """Whether the DNS is asked for the number that is called: one of a domain of ours that nobody
    there has, on the account of a domain that wants it, and not for a carrier."""
    if domain is None or not domain.enum or trunk or not is_number(uri.user):
        return False
    aor, routes = uri.aor(), known.routes
    if known.domain(host_name(uri)) is None or known.subscriber(aor) is not None:
        return False
    return routes.alias(aor) is None and routes.group(aor) is None
