"""The routing page: rules with their figures, and “Try it” beside them."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from fedsip_platform.directory import services
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def tried(world: World, query: str) -> str:
    answer = Api(world.people["viewer"]).get(f"/t/acme/routing/?domain=example.com&{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode().partition('id="trial"')[2])


def test_the_way_of_a_call_is_told_rule_by_rule(acme: World) -> None:
    services.create_translation(acme.domain, match_regex="^2", note="twos")
    services.create_translation(acme.domain, match_regex="^1", priority=200, tran_user="bob")
    shown = tried(acme, "caller=alice&dialled=1000")
    assert "<code>sip:eric@example.com</code>" in shown
    assert "There is no user eric@example.com: 404." in shown
    assert "^2 is not found in the called user" in shown
    marks = [shown.count(f">{mark}</span>") for mark in ("applied", "in reserve", "passed by")]
    assert marks == [1, 1, 1]


def test_a_users_own_rule_and_phone_count(acme: World) -> None:
    services.create_translation(
        acme.domain, match_regex="^3$", from_username="bob", match_user_agent="Yealink",
        tran_user="alice",
    )  # fmt: skip
    assert "alice@example.com is a user of ours" in tried(
        acme, "caller=Bob@example.com&dialled=3&user_agent=Yealink+T46"
    )
    assert "There is no user 3@example.com: 404." in tried(acme, "caller=bob&dialled=3")


def test_where_a_call_leaves_to_is_looked_up(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with DnsThread(Zones({"elsewhere.test": "@ A 192.0.2.77"})) as dns:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", dns.address)
        shown = tried(acme, "caller=alice&dialled=carol@elsewhere.test")
    assert "192.0.2.77:5060" in shown


def test_what_cannot_be_tried_is_refused_beside_the_field(acme: World) -> None:
    assert "Give a user of example.com." in tried(acme, "caller=eve@example.net&dialled=1")
    assert 'class="problem"' in tried(acme, "caller=alice&dialled=sip:")
    assert "invalid-feedback" in tried(acme, "caller=&dialled=")
    assert "invalid-feedback" in tried(acme, "caller=%00&dialled=%00")


def test_without_rules_the_call_goes_where_it_was_dialled(acme: World) -> None:
    services.delete_translation(acme.rule)
    shown = tried(acme, "caller=alice&dialled=alice")
    assert "There are no rules" in shown
    assert "alice@example.com is a user of ours with 1 registered contact." in shown


def test_a_deleted_rule_comes_back_by_one_button(acme: World) -> None:
    visitor = Visitor(acme.people["admin"])
    shown = visitor.sends(f"/t/acme/routing/{acme.rule.public_id}/delete")
    assert not acme.domain.translations.exists()
    found = re.search(r'<form method="post" action="(/t/acme/routing/of/[^"]+/restore)"', shown)
    assert found
    visitor.sends(found[1])
    assert acme.domain.translations.get().match_regex == acme.rule.match_regex


def test_rules_tell_what_they_took_and_their_share(acme: World) -> None:
    make_call(acme.tenant, acme.domain, rule_id=acme.rule.pk)
    make_call(
        acme.tenant, acme.domain, rule_id=acme.rule.pk,
        started_at=timezone.now() - timedelta(days=8),
    )  # fmt: skip
    services.create_translation(acme.domain, priority=acme.rule.priority, weight=3, tran_user="x")
    shown = Visitor(acme.people["viewer"]).reads("/t/acme/routing/")
    assert re.findall(r"(\d+) calls? in 7 days", shown) == ["1", "0"]
    assert re.findall(r'aria-label="(\d+) %"', shown) == ["25", "75"]


def test_a_rehearsal_lights_up_the_rules_and_may_be_of_another_time(acme: World) -> None:
    services.update_translation(acme.rule, hours="Mon-Fri 08:00-18:00", note="by day")
    visitor = Visitor(acme.people["viewer"])
    by_day = "/t/acme/routing/?domain=example.com&caller=alice&dialled=1000&at=2026-11-25T12:00"
    assert '<li class="rule hit"' in visitor.reads(by_day)
    assert "This one is applied." in visitor.shown
    at_night = by_day.replace("T12:00", "T22:00")
    assert '<li class="rule passed"' in visitor.reads(at_night)
    assert "This one is applied." not in visitor.shown
    assert "Enter a valid date/time." in visitor.reads(by_day.replace("2026-11-25T12:00", "noon"))
