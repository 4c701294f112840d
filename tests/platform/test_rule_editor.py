"""The editor of rules: a call is tried with what is typed, and saving shows what it changes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fedsip_platform.directory import services
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.browsing import Visitor
from tests.platform.world import World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

CALL = {"caller": "alice", "dialled": "1000"}


def typed(**fields: Any) -> dict[str, Any]:
    return {
        "enabled": "on", "match_regex": "^1000$", "tran_user": "eric", "tran_strip": "0",
        "priority": "99", "weight": "1", **fields,
    }  # fmt: skip


def called(world: World, dialled: str) -> None:
    uri = f"sip:{dialled}@{world.domain}"
    make_call(world.tenant, world.domain, call_id=dialled, request_uri=uri, callee=uri)


def test_a_call_is_tried_with_the_rule_that_is_typed(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    page = f"/t/acme/routing/{acme.rule.public_id}"
    admin.sends(page, **typed(tran_user="bob"), **CALL, **{"try": "1"})
    assert "INVITE sip:bob@example.com SIP/2.0" in admin.shown
    assert "<b>this rule</b>" in admin.shown
    assert 'value="bob"' in admin.shown, "what was typed is kept"
    new = f"/t/acme/routing/of/{acme.domain.public_id}/new"
    admin.sends(new, **typed(tran_user="alice", priority="1"), **CALL, **{"try": "1"})
    assert "INVITE sip:alice@example.com SIP/2.0" in admin.shown
    assert "in reserve" in admin.shown
    assert [rule.tran_user for rule in acme.domain.translations.all()] == ["eric"]


def test_nothing_is_tried_before_a_number_is_dialled_or_with_half_a_rule(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    page = f"/t/acme/routing/{acme.rule.public_id}"
    admin.sends(page, **typed(), caller="alice", dialled="", **{"try": "1"})
    assert "INVITE" not in admin.shown
    assert admin.problems == []
    admin.sends(page, **typed(match_regex="("), **CALL, **{"try": "1"})
    assert "The rule is not complete yet; see beside its fields." in admin.problems


def test_a_rule_is_saved_without_a_call_to_try(acme: World) -> None:
    page = Visitor(acme.people["admin"]).reads(f"/t/acme/routing/{acme.rule.public_id}")
    of_trial = re.findall(r'<input[^>]* form="rule-form"[^>]*>', page)
    assert len(of_trial) == 4
    assert not [each for each in of_trial if "required" in each]


def test_whoever_only_looks_tries_the_rules_that_count(acme: World) -> None:
    viewer = Visitor(acme.people["viewer"])
    page = f"/t/acme/routing/{acme.rule.public_id}"
    viewer.reads(f"{page}?caller=alice&dialled=1000")
    assert "INVITE sip:eric@example.com SIP/2.0" in viewer.shown
    viewer.sends(page, **typed(tran_user="bob"), **CALL, **{"try": "1"})
    assert viewer.status == 403


def test_the_dns_is_a_tree_under_the_request_line(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = "@ NAPTR 1 1 s SIP+D2U '' _sip._udp\n_sip._udp SRV 1 1 5070 h\nh A 192.0.2.77"
    with DnsThread(Zones({"elsewhere.test": zone.replace("''", '""')})) as dns:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", dns.address)
        shown = Visitor(acme.people["viewer"]).reads(
            "/t/acme/routing/?domain=example.com&caller=alice&dialled=carol@elsewhere.test"
        )
    tree = shown.partition('class="dns-tree"')[2]
    asked = re.findall(r"<b>(\w+)</b> <span class=\"address\">([^<]+)", tree)
    assert [kind for kind, _name in asked] == ["NAPTR", "SRV", "AAAA", "A"]
    assert "1. UDP 192.0.2.77:5070" in tree


def test_saving_shows_first_which_calls_would_go_elsewhere(acme: World) -> None:
    called(acme, "1000")
    called(acme, "1001")
    admin = Visitor(acme.people["admin"])
    page = f"/t/acme/routing/{acme.rule.public_id}"

    def saves(**fields: Any) -> str:
        """What the rule leads to once that was sent."""
        admin.sends(page, **typed(**fields))
        acme.rule.refresh_from_db()
        return acme.rule.tran_user

    assert saves(tran_user="bob") == "eric"
    assert "Of the 3 calls in the last 30 days, <b>1</b> would go elsewhere." in admin.shown
    seen = re.search(r'name="seen" value="(\w+)"', admin.shown)
    assert seen
    assert saves(tran_user="alice", seen=seen[1]) == "eric", "that was not what was seen"
    assert saves(tran_user="bob", seen=seen[1]) == "bob"
    assert "1 call of the last 30 days would have gone elsewhere." in admin.shown


def test_what_changes_no_call_is_saved_at_once(acme: World) -> None:
    called(acme, "1001")
    called(acme, "1002")
    admin = Visitor(acme.people["admin"])
    new = f"/t/acme/routing/of/{acme.domain.public_id}/new"
    admin.sends(new, **typed(match_regex="^7$"))
    assert "All 3 calls of the last 30 days would have gone where they went." in admin.shown
    assert acme.domain.translations.count() == 2
    services.delete_translation(acme.rule)
    admin.sends(new, **typed(match_regex="^100.$", priority="1"))
    assert acme.domain.translations.count() == 1
