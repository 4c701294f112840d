"""What our domains say of others: the nearest pattern, the direction, changes."""

from __future__ import annotations

import pytest

from proxy.directory.federation_rules import FederationRules
from proxy.directory.model import FederationRule

RULES = (
    FederationRule(1, 1, b"sip.example.org"),
    FederationRule(2, 1, b"*.example.org", "in"),
    FederationRule(3, 1, b"*.example.org", "both"),
    FederationRule(4, 1, b"*.org"),
    FederationRule(5, 1, b"*", "out"),
    FederationRule(6, 2, b"*"),
    FederationRule(7, 1, b"off.test", enabled=False),
)


def held() -> FederationRules:
    rules = FederationRules()
    rules.put(RULES)
    return rules


@pytest.mark.parametrize(
    ("domain_id", "peer", "direction", "expected"),
    [
        (1, b"sip.example.org", "in", 1),
        (1, b"sip.example.org", "out", 1),
        (1, b"deep.sip.example.org", "in", 2),
        (1, b"pbx.example.org", "in", 2),
        (1, b"pbx.example.org", "out", 3),
        (1, b"example.org", "in", 4),  # *.example.org is what is below it
        (1, b"org", "in", None),
        (1, b"example.net", "out", 5),
        (1, b"example.net", "in", None),
        (1, b"off.test", "out", 5),
        (1, b"192.0.2.1", "out", 5),
        (1, b"", "in", None),
        (2, b"example.net", "in", 6),
        (3, b"example.net", "in", None),
    ],
)
def test_nearest_pattern(domain_id: int, peer: bytes, direction: str, expected: int | None) -> None:
    found = held().find(domain_id, peer, direction)
    assert (found.rule_id if found else None) == expected


def test_changes() -> None:
    rules = held()
    rules.put([FederationRule(1, 1, b"new.test")], gone=[2, 99])
    assert len(rules) == 6
    found = [rules.find(1, name, "in") for name in (b"new.test", b"sip.example.org")]
    assert [rule and rule.rule_id for rule in found] == [1, 3]


def test_pattern_that_went_to_another_rule_stays() -> None:
    """A rule is deleted and made anew between two readings."""
    rules = held()
    rules.put([FederationRule(8, 1, b"sip.example.org", allow=False)])
    rules.put([], gone=[1])
    found = rules.find(1, b"sip.example.org", "in")
    assert found is not None
    assert found.rule_id == 8


def test_nothing_said() -> None:
    assert FederationRules().find(1, b"example.org", "in") is None
