"""What our domains say of others: found by name, then by the names above it, and judged. Pure.

The nearest pattern decides: `sip.example.org` before `*.example.org` before `*.org` before `*`; of
two for the same pattern the one for this direction before the one for both. Then the policy:

    closed          no calls
    allow_list      those that a rule allows
    verified_tls    those who prove their domain by their certificate (RFC 5922)
    open            everybody

A rule for the other domain goes first: one that denies ends it, one that allows passes an
allow_list, and says by itself whether the other domain has to prove who it is. `closed` is closed
whatever rules there are.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .model import Domain, FederationRule

_Key = tuple[int, bytes, str]
_NEVER_SECURE: Final = (b"udp", b"ws")


class Why(StrEnum):
    """Kinds of refusals, as they are counted."""

    CLOSED = "closed"
    DENIED = "denied"
    NOT_LISTED = "not_listed"
    NO_TLS = "no_tls"
    NO_CERTIFICATE = "no_certificate"
    NEVER_SECURE = "never_secure"
    NO_VERIFIED_PEER = "no_verified_peer"
    INNER = "inner"
    METHOD = "method"
    DOMAIN_RATE = "domain_rate"
    CALLER_RATE = "caller_rate"
    SOURCE_RATE = "source_rate"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of one request to or from another domain."""

    refusal: Why | None = None
    is_verified: bool = False
    """It goes only to, or comes only from, whoever proves to be that domain."""
    is_trusted: bool = False
    """Identities of callers are told to it and believed from it (RFC 3325)."""
    policy: str = ""
    """That it was judged by; "denied" by the platform's own list."""
    is_by_rule: bool = False
    """A rule for the other domain has decided."""

    @property
    def in_words(self) -> str:
        """For the call's record (observe/policies.py)."""
        words = [self.policy]
        words += ["rule"] if self.is_by_rule else []
        words += ["verified"] if self.is_verified else []
        words += ["trusted"] if self.is_trusted else []
        return ",".join(words)


def judge(policy: str, rule: FederationRule | None) -> Verdict:
    """The verdict on one direction, by the domain's policy and its rule for the other domain."""
    if policy == "closed":
        return Verdict(Why.CLOSED, policy=policy)
    if rule is not None and not rule.allow:
        return Verdict(Why.DENIED, policy=policy, is_by_rule=True)
    if rule is None:
        if policy == "allow_list":
            return Verdict(Why.NOT_LISTED, policy=policy)
        return Verdict(is_verified=policy == "verified_tls", policy=policy)
    return Verdict(None, rule.verified, rule.trusted, policy, is_by_rule=True)


def verdict_on(
    domain: Domain,
    peer: bytes,
    direction: str,
    rules: FederationRules,
    *,
    platform: str,
    denied: Container[bytes],
) -> Verdict:
    """The verdict on a domain's calls "in" or "out"; the platform's policy holds where the domain
    says so, and nobody of it has calls with those who are denied."""
    if denied and any(pattern in denied for pattern in patterns_of(peer)):
        return Verdict(Why.DENIED, policy="denied")
    policy = domain.federation if direction == "out" else domain.federation_in
    policy = platform if policy == "platform" else policy
    return judge(policy, rules.find(domain.domain_id, peer, direction))


def refusal_to_leave(verdict: Verdict, transport: bytes | None) -> Why | None:
    """Why a request may not leave for another domain by the transport of its URI."""
    if verdict.refusal is None and verdict.is_verified and transport in _NEVER_SECURE:
        return Why.NEVER_SECURE
    return verdict.refusal


class FederationRules:
    """The rules of all domains; a look-up costs as much as the name has labels."""

    __slots__ = ("_by_id", "_by_pattern")

    def __init__(self) -> None:
        self._by_id: dict[int, FederationRule] = {}
        self._by_pattern: dict[_Key, FederationRule] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, domain_id: int, peer: bytes, direction: str) -> FederationRule | None:
        """The rule for a peer ("in" or "out"); None when nothing is said of it."""
        if not self._by_id:
            return None
        for pattern in patterns_of(peer):
            for side in (direction, "both"):
                rule = self._by_pattern.get((domain_id, pattern, side))
                if rule is not None:
                    return rule
        return None

    def put(self, rows: Iterable[FederationRule], gone: Iterable[int] = ()) -> None:
        """Add and replace rules; ids in `gone` were deleted."""
        for rule_id in gone:
            self._forget(rule_id)
        for row in rows:
            self._forget(row.rule_id)
            self._by_id[row.rule_id] = row
            if row.enabled:
                self._by_pattern[_key(row)] = row

    def _forget(self, rule_id: int) -> None:
        old = self._by_id.pop(rule_id, None)
        if old is not None and self._by_pattern.get(_key(old)) is old:
            del self._by_pattern[_key(old)]


def patterns_of(peer: bytes) -> Iterator[bytes]:
    """All patterns that match a name, the nearest first."""
    yield peer
    rest = peer
    while b"." in rest:
        rest = rest.partition(b".")[2]
        yield b"*." + rest
    yield b"*"


def _key(rule: FederationRule) -> _Key:
    return rule.domain_id, rule.pattern, rule.direction
