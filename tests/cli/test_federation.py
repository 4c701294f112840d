"""fedsip federation: rules for other domains, and what was refused."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation.models import FederationRule, Refusal
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_a_domain_is_allowed_denied_and_forgotten(acme: Fedsip) -> None:
    made = acme("federation", "allow", "example.com", "*.Bücher.example", "--trusted", "--json")
    assert made.json["pattern"] == "*.xn--bcher-kva.example"
    assert (made.json["verified"], made.json["trusted"]) == (True, True)
    denied = acme("federation", "deny", "example.com", "bad.test", "--note", "spam")
    assert denied.said == "example.com denies bad.test.\n"
    acme("federation", "allow", "example.com", "bad.test", "--unverified")
    rule = FederationRule.objects.get(pattern="bad.test")
    assert (rule.allow, rule.verified) == (True, False)
    assert len(acme("federation", "list", "example.com", "--json").json) == 2
    assert acme("federation", "forget", "example.com", "bad.test").code == 0
    assert acme("federation", "forget", "example.com", "bad.test").code == 1


@pytest.mark.parametrize("pattern", ["*bad.test", "a.*.test", "bad_host.te st", "-x.test", "*."])
def test_what_is_no_domain(acme: Fedsip, pattern: str) -> None:
    refused = acme("federation", "deny", "example.com", "--", pattern)
    assert refused.code == 1
    assert refused.complained
    assert not FederationRule.objects.exists()


def test_policies_of_a_domain(acme: Fedsip) -> None:
    words = ("federation_in=allow_list", "stranger_methods=INVITE OPTIONS", "calls_in_per_domain=9")
    assert acme("domain", "set", "example.com", *words).code == 0
    domain = Domain.objects.get()
    assert (domain.federation, domain.federation_in) == ("platform", "allow_list")
    assert acme("domain", "set", "example.com", "stranger_methods=invite").code == 1
    assert acme("domain", "set", "example.com", "federation_in=sometimes").code == 1


def test_refusals(acme: Fedsip) -> None:
    Refusal.objects.create(
        domain=Domain.objects.get(),
        peer="bad.test",
        direction="in",
        why="denied",
        day=datetime.date(2026, 11, 25),
        amount=3,
        last_at=timezone.now(),
    )
    [row] = acme("federation", "refusals", "example.com", "--json").json
    assert (row["peer"], row["why"], row["amount"]) == ("bad.test", "denied", 3)
