"""Policies and rules, cell by cell; and how refusals are worded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.federation_rules import Verdict, Why, judge
from proxy.directory.model import FederationRule
from proxy.routing.federation_policy import refusal

DENY = FederationRule(1, 1, b"x", allow=False)
ALLOW = FederationRule(2, 1, b"x")
LOOSE = FederationRule(3, 1, b"x", verified=False)
TRUST = FederationRule(4, 1, b"x", trusted=True)

CLOSED, DENIED = Verdict(Why.CLOSED), Verdict(Why.DENIED)
ANY, VERIFIED = Verdict(), Verdict(is_verified=True)
TRUSTED = Verdict(is_verified=True, is_trusted=True)


@pytest.mark.parametrize(
    ("policy", "without", "deny", "allow", "loose", "trust"),
    [
        ("open", ANY, DENIED, VERIFIED, ANY, TRUSTED),
        ("verified_tls", VERIFIED, DENIED, VERIFIED, ANY, TRUSTED),
        ("allow_list", Verdict(Why.NOT_LISTED), DENIED, VERIFIED, ANY, TRUSTED),
        ("closed", CLOSED, CLOSED, CLOSED, CLOSED, CLOSED),
    ],
)
def test_every_policy_with_every_rule(
    policy: str, without: Verdict, deny: Verdict, allow: Verdict, loose: Verdict, trust: Verdict
) -> None:
    rules = (None, DENY, ALLOW, LOOSE, TRUST)
    expected = zip(rules, (without, deny, allow, loose, trust), strict=True)
    for rule, verdict in expected:
        is_by_rule = rule is not None and policy != "closed"
        assert judge(policy, rule) == replace(verdict, policy=policy, is_by_rule=is_by_rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (None, "verified_tls,verified"),
        (DENY, "verified_tls,rule"),
        (LOOSE, "verified_tls,rule"),
        (TRUST, "verified_tls,rule,verified,trusted"),
    ],
)
def test_what_the_record_of_a_call_says(rule: FederationRule | None, said: str) -> None:
    assert judge("verified_tls", rule).in_words == said


@pytest.mark.parametrize(
    ("why", "status"),
    [
        (Why.CLOSED, 403),
        (Why.DENIED, 403),
        (Why.NOT_LISTED, 403),
        (Why.NO_CERTIFICATE, 403),
        (Why.NO_TLS, 421),
        (Why.NEVER_SECURE, 488),
        (Why.METHOD, 405),
        (Why.DOMAIN_RATE, 503),
        (Why.CALLER_RATE, 503),
    ],
)
def test_refusals(why: Why, status: int) -> None:
    answer = refusal(why, b"example.com", b'el"se\\', retry_after=3.2, allow=b"INVITE")
    headers = dict(answer.headers)
    assert answer.status == status
    assert headers[b"warning"].startswith(b'399 example.com "example.com ')
    assert headers[b"warning"].count(b'"') == 2
    assert headers.get(b"retry-after") == (b"4" if status == 503 else None)
    assert headers.get(b"security-server") == (b"tls" if status == 421 else None)
    assert headers.get(b"allow") == (b"INVITE" if status == 405 else None)
