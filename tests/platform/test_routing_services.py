"""Aliases, forwards, ring groups, trunks and policies: normal forms and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from fedsip_platform.audit import log
from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import Conflict, ServiceError
from fedsip_platform.directory import bulk
from fedsip_platform.directory import services as directory
from fedsip_platform.directory.models import Translation
from fedsip_platform.moving import sources, tables
from fedsip_platform.routing import services
from fedsip_platform.routing.models import Trunk
from proxy.directory import carrier_secret
from proxy.directory.rules import MOST_LOOKED_AT, MOST_SEARCHED
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("bob", "bob@example.com"),
        ("+1 555".replace(" ", ""), "+1555@example.com"),
        ("sip:Bob@Elsewhere.Example.", "Bob@elsewhere.example"),
        (" BOB@EXAMPLE.COM ", "bob@example.com"),
    ],
)
def test_destinations_have_one_form(acme: World, given: str, kept: str) -> None:
    forward = services.create_forward(acme.user, "no_answer", given)
    assert forward.target == kept


def test_an_alias_leads_to_what_there_is(acme: World, rival: World) -> None:
    group = services.create_alias(acme.domain, "+15551234567", "Sales")
    assert group.target == "sales@example.com"
    for target in ("nobody", "alice@example.net", "bob@elsewhere.example"):
        with pytest.raises(ServiceError, match="There is no user"):
            services.create_alias(acme.domain, "2000", target)


def test_a_name_is_used_once(acme: World) -> None:
    for make in (services.create_alias, services.create_ring_group):
        with pytest.raises(Conflict, match="is a user already"):
            make(acme.domain, "alice", **({"target": "alice"} if "alias" in make.__name__ else {}))
    with pytest.raises(Conflict, match="is an alias already"):
        services.create_ring_group(acme.domain, "1000")
    with pytest.raises(Conflict, match="This alias exists already"):
        services.create_alias(acme.domain, "1000", "alice")
    for name, kind in (("1000", "an alias"), ("Sales", "a ring group")):
        with pytest.raises(Conflict, match=f"is {kind} already"):
            directory.create_subscriber(acme.domain, name, "secret-enough-1")
    rows = [
        {"address": f"{name}@example.com", "password": "secret-enough-1"}
        for name in ("1000", "zoe")
    ]
    refused, made = bulk.provision(rows, lambda name: acme.domain)
    assert refused.errors == (("address", "1000@example.com is an alias already."),)
    assert made.status == bulk.CREATED


REFUSED: list[tuple[Callable[[World], object], str, str]] = [
    (lambda w: services.create_forward(w.user, "always", "alice"), "target", "the user himself"),
    (lambda w: services.create_forward(w.user, "always", "a b@c"), "target", "Use letters"),
    (lambda w: services.create_forward(w.user, "always", "a\r\nX: y@c"), "target", "Use letters"),
    (lambda w: services.create_forward(w.user, "sometimes", "bob"), "condition", "not a valid"),
    (lambda w: services.create_ring_group(w.domain, "g", members=["eve"]), "members", "no user"),
    (
        lambda w: services.create_trunk(w.domain, "t", inbound_addresses=["192.0.0.0/16"]),
        "inbound_addresses",
        "too large",
    ),
    (lambda w: services.create_trunk(w.domain, "t", options_seconds=2), "options_seconds", "least"),
    (
        lambda w: services.create_outbound_policy(w.domain, w.user, caller_name="a\r\nb"),
        "caller_name",
        "Line ends",
    ),
    (
        lambda w: directory.create_translation(w.domain, match_regex="^1000$", tran_strip=4),
        "tran_strip",
        "Whoever is dialled, 1000 for one, .*: no user is left to call",
    ),
    (
        lambda w: directory.create_translation(
            w.domain, match_regex=r"^\+18[0678]{2}[0-9]{7}$", tran_strip=12
        ),
        "tran_strip",
        r"\+18000000000 for one, .*: no user is left",
    ),
    (
        lambda w: directory.create_translation(w.domain, match_regex="^1.*", tran_strip=256),
        "tran_strip",
        r"10{39}\.\.\. for one, .*: no user is left",
    ),
    (
        lambda w: directory.create_translation(
            w.domain, match_regex="^(a|b)*()1$", tran_user=r"\2"
        ),
        "tran_user",
        "no user is left",
    ),
    (
        lambda w: directory.create_translation(w.domain, match_regex="^$"),
        "match_regex",
        "no user is left",
    ),
    (
        lambda w: directory.create_translation(w.domain, tran_from_display="a\x9bb"),
        "tran_from_display",
        "Line ends",
    ),
    (
        lambda w: services.create_outbound_policy(w.domain, w.user, deny_regex="("),
        "deny_regex",
        "does not work",
    ),
    (
        lambda w: directory.create_translation(w.domain, tran_trunk="none"),
        "tran_trunk",
        "has no trunk none",
    ),
    (
        lambda w: directory.create_translation(w.domain, tran_trunk="carrier", tran_port=5060),
        "tran_trunk",
        "hosts and ports of its own",
    ),
    (lambda w: directory.create_translation(w.domain, hours="Mon"), "hours", "has no times"),
    (
        lambda w: directory.create_translation(w.domain, tran_add_header="X-A: b\r\nX-B: c"),
        "tran_add_header",
        "Line ends",
    ),
    (
        lambda w: directory.create_translation(w.domain, tran_add_header="X-A: b\nVia: c"),
        "tran_add_header",
        "belongs to the protocol",
    ),
    (
        lambda w: directory.create_translation(w.domain, tran_remove_header="X-A, From"),
        "tran_remove_header",
        "a rule keeps it",
    ),
    (
        lambda w: directory.update_domain(w.domain, time_zone="Mars/Olympus"),
        "time_zone",
        "Europe/Berlin",
    ),
]


@pytest.mark.parametrize(("make", "field", "reason"), REFUSED)
def test_refused(acme: World, make: Callable[[World], object], field: str, reason: str) -> None:
    with pytest.raises(ServiceError, match=reason) as refused:
        make(acme)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "fields",
    [
        {"match_regex": "^[0-9]{3,5}$", "tran_strip": 4},
        {"match_regex": "^(1000)$|^20000000$", "tran_user": r"\1"},
        {"match_regex": "^1(0)?$", "tran_user": r"\1"},
        {"match_regex": "1000", "tran_strip": 4},
        {"match_regex": "^1.*", "tran_strip": 255},
        {"match_regex": "^1000$", "tran_strip": 4, "tran_prefix": "9"},
        {"match_regex": "(?i)^sales$", "tran_strip": 5},
        {"tran_strip": 300},
    ],
)
def test_a_rule_that_may_make_a_uri_is_taken(acme: World, fields: dict[str, Any]) -> None:
    """Of some that it is for, or nobody can know before."""
    directory.create_translation(acme.domain, **fields)


@pytest.mark.parametrize("fields", [{"match_regex": "^1$", "tran_strip": 1}, {"tran_trunk": "x"}])
def test_a_form_without_a_domain_says_no_more_than_that(fields: dict[str, Any]) -> None:
    Translation(**fields).full_clean(exclude=["domain"])


def test_a_trunk_that_rules_lead_to_stays(acme: World) -> None:
    rule = directory.create_translation(acme.domain, tran_trunk="carrier")
    trunk = acme.routes["trunks"]
    with pytest.raises(Conflict, match="1 rules lead to this trunk"):
        services.delete_trunk(trunk)
    with pytest.raises(Conflict, match="1 rules lead to this trunk"):
        services.update_trunk(trunk, name="other")
    directory.delete_translation(rule)
    services.delete_trunk(trunk)


def test_rest_makes_changes_and_lists(acme: World, as_admin: Api) -> None:
    body = {"user": "alice@example.com", "condition": "no_answer", "target": "1000"}
    made = as_admin.post("forwards", body).json()
    assert (made["target"], made["ring_seconds"]) == ("1000@example.com", 20)
    assert as_admin.post("forwards", body).status_code == 409
    changed = as_admin.patch(f"forwards/{made['id']}", {"ring_seconds": 30})
    assert changed.json()["ring_seconds"] == 30
    listed = as_admin.get("forwards?user=alice@example.com&condition=no_answer").json()
    assert [each["ring_seconds"] for each in listed["results"]] == [30]
    moved = as_admin.patch(f"aliases/{acme.routes['aliases'].public_id}", {"domain": "example.com"})
    assert moved.status_code == 200


def test_rest_shows_how_gateways_are(acme: World, as_admin: Api) -> None:
    [gateway] = as_admin.get("gateways?trunk=carrier").json()["results"]
    assert gateway["health"] == []
    assert gateway["trunk"] == str(acme.routes["trunks"].public_id)


def test_what_leads_to_a_user_goes_with_him(acme: World, rival: World) -> None:
    bob = directory.create_subscriber(acme.domain, "bob", "secret-enough-1")
    carol = directory.create_subscriber(acme.domain, "carol", "secret-enough-1")
    services.create_alias(acme.domain, "2000", "bob")
    services.create_forward(acme.user, "always", "bob")
    group = services.create_ring_group(
        acme.domain, "team", members=["carol", "bob"], fallback="bob"
    )
    theirs = services.create_forward(rival.user, "always", bob.aor)
    directory.delete_subscriber(bob)
    group.refresh_from_db()
    assert (group.members, group.fallback) == ([carol.aor], "")
    assert not acme.domain.aliases.filter(name="2000").exists()
    assert not acme.user.forwards.filter(condition="always").exists()
    theirs.refresh_from_db()  # other tenants' ways are theirs
    gone = Entry.objects.filter(
        action="delete", key__in=["2000@example.com", f"{acme.user} always"]
    )
    assert gone.count() == 2


def test_what_leads_to_a_ring_group_or_a_domain_goes_with_it(acme: World) -> None:
    services.create_alias(acme.domain, "3000", "sales")
    services.delete_ring_group(acme.domain.ring_groups.get(name="sales"))
    assert not acme.domain.aliases.filter(name="3000").exists()
    branch = directory.create_domain(acme.tenant, "branch.example")
    dave = directory.create_subscriber(branch, "dave", "secret-enough-1")
    services.create_alias(acme.domain, "4000", dave.aor)
    services.create_forward(acme.user, "always", dave.aor)
    group = services.create_ring_group(acme.domain, "team", members=["alice", dave.aor])
    services.create_alias(branch, "1", "dave")
    directory.delete_domain(branch)
    group.refresh_from_db()
    assert group.members == [acme.user.aor]
    assert not acme.domain.aliases.filter(name="4000").exists()
    assert not acme.user.forwards.filter(condition="always").exists()


def test_rules_that_a_call_would_have_to_look_at_one_by_one(acme: World, tmp_path: Path) -> None:
    """Bounded where nothing tells them apart; those with a number of their own are not."""
    known = Translation.objects.filter(domain=acme.domain).count()
    crowd = tmp_path / "crowd.csv"
    rows = [f"example.com,(?i)^{n}[a-z]$" for n in range(MOST_SEARCHED)]
    rows += [f"example.com,^{n}[a-z]$" for n in range(10_000, 10_000 + MOST_SEARCHED)]
    crowd.write_text("\n".join(["from_domain,match_regex", *rows]))
    report = tables.bring_in([sources.read(crowd, "translations")], acme.tenant)
    assert report.problems == []
    assert Translation.objects.filter(domain=acme.domain).count() == known + 2 * MOST_SEARCHED
    with pytest.raises(ServiceError, match="has 1000 rules whose expressions") as caught:
        directory.create_translation(acme.domain, match_regex="(?i)^sales$")
    assert caught.value.field == "match_regex"
    assert directory.create_translation(acme.domain, match_regex="(?i)^x$", from_username="bob")
    with pytest.raises(ServiceError, match="has 1000 rules whose expressions"):
        directory.update_translation(acme.rule, match_regex="(?i)^sales$")
    acme.rule.refresh_from_db()
    assert acme.rule.match_regex == "^1000$"
    rows = [f"example.com,^77$,{n}" for n in range(MOST_LOOKED_AT + 1)]
    crowd.write_text("\n".join(["from_domain,match_regex,priority", *rows]))
    report = tables.bring_in([sources.read(crowd, "translations")], acme.tenant)
    assert report.problems[0][0] == f"translations row {MOST_LOOKED_AT + 1} match_regex"
    assert not Translation.objects.filter(domain=acme.domain, match_regex="^77$").exists()


def test_the_password_of_a_carriers_account_is_sealed(acme: World, as_admin: Api) -> None:
    """It is kept, and shown to nobody: not by REST, nor by the audit log."""
    given = {"account": "acme-4711", "password": "carriers secret"}
    answer = as_admin.patch("trunks/carrier@example.com", given)
    assert answer.status_code == 200
    trunk = Trunk.objects.get(name="carrier", domain=acme.domain)
    key = settings.WEB.cluster_key()
    assert carrier_secret.unseal(trunk.sealed_password, key) == b"carriers secret"
    assert carrier_secret.unseal(trunk.sealed_password, b"o" * 32) is None
    shown = as_admin.get("trunks/carrier@example.com").json()
    assert (shown["account"], shown["has_password"]) == ("acme-4711", True)
    assert "password" not in shown
    for everything in (answer.content.decode(), str(list(Entry.objects.values()))):
        assert "carriers secret" not in everything
        assert trunk.sealed_password not in everything
    assert Entry.objects.latest("pk").changes == {
        "account": ["", "acme-4711"],
        "sealed_password": [log.HIDDEN, log.HIDDEN],
    }


def test_the_same_password_again_changes_nothing(acme: World) -> None:
    trunk = Trunk.objects.get(name="carrier", domain=acme.domain)
    services.update_trunk(trunk, account="acme", password="carriers secret")
    sealed, noted = trunk.sealed_password, Entry.objects.count()
    services.update_trunk(trunk, account="acme", password="carriers secret")
    services.update_trunk(trunk, account="acme")
    assert (trunk.sealed_password, Entry.objects.count()) == (sealed, noted)
    services.update_trunk(trunk, password="another")
    assert trunk.sealed_password != sealed
    services.update_trunk(trunk, account="")
    assert not trunk.has_password


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"account": "acme"}, "password", "needs its password"),
        ({"password": "x"}, "account", "for which account"),
        ({"account": "acme", "password": "a\r\nb"}, "password", "no control characters"),
        ({"account": "acme", "password": "x" * 129}, "password", "at most 128"),
        ({"account": "a\r\nb", "password": "x"}, "account", "Line ends"),
    ],
)
def test_accounts_that_are_refused(
    acme: World, given: dict[str, str], field: str, reason: str
) -> None:
    trunk = Trunk.objects.get(name="carrier", domain=acme.domain)
    for attempt in (
        lambda: services.update_trunk(trunk, **given),
        lambda: services.create_trunk(acme.domain, "second", **given),
    ):
        with pytest.raises(ServiceError, match=reason) as caught:
            attempt()
        assert caught.value.field == field
    trunk.refresh_from_db()
    assert (trunk.account, trunk.sealed_password) == ("", "")
