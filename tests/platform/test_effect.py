"""Which calls on record a rule would have sent elsewhere, before it is saved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Translation
from fedsip_platform.routing import effect
from tests.platform.browsing import Visitor
from tests.platform.world import World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def call(world: World, dialled: str, **fields: object) -> CallRecord:
    number = CallRecord.objects.count()
    uri = f"sip:{dialled}@{world.domain}"
    given = {"call_id": f"{number}", "request_uri": uri, "callee": uri, **fields}
    return make_call(world.tenant, world.domain, **given)


def of(rule: Translation) -> list[tuple[str, str]]:
    found = effect.of_rule(rule, CallRecord.objects.all(), now=timezone.now())
    return [(each.before, each.after) for each in found.shown]


def test_a_new_rule_behind_and_before_the_old_one(acme: World) -> None:
    call(acme, "1000")
    call(acme, "1001")
    new = Translation(domain=acme.domain, match_regex="^100.$", tran_user="bob", priority=200)
    assert of(new) == [("sip:1001@example.com", "sip:bob@example.com")]
    new.priority = 1
    assert of(new) == [
        ("sip:1001@example.com", "sip:bob@example.com"),
        ("sip:eric@example.com", "sip:bob@example.com"),
    ]
    assert Translation.objects.count() == 1


def test_a_rule_that_is_changed_or_turned_off(acme: World) -> None:
    call(acme, "1000")
    acme.rule.tran_user = "bob"
    assert of(acme.rule) == [("sip:eric@example.com", "sip:bob@example.com")]
    acme.rule.enabled = False
    assert of(acme.rule) == [("sip:eric@example.com", "sip:1000@example.com")]


def test_caller_phone_and_time_count(acme: World) -> None:
    now = timezone.now()
    call(acme, "7", user_agent="Yealink T46")
    call(acme, "7", caller="sip:bob@example.com", user_agent="Yealink T46")
    call(acme, "7", user_agent="Linphone")
    call(acme, "7", user_agent="Yealink T46", started_at=now - timedelta(days=3))
    new = Translation(
        domain=acme.domain, from_username="alice", match_user_agent="Yealink", tran_user="x",
        valid_from=now - timedelta(days=1),
    )  # fmt: skip
    assert len(of(new)) == 1


def test_old_calls_and_those_of_others_are_left_out(acme: World, rival: World) -> None:
    call(acme, "8", started_at=timezone.now() - timedelta(days=31))
    call(acme, "8", caller="sip:eve@elsewhere.example")
    call(rival, "8")
    call(acme, "%zz")
    found = effect.of_rule(
        Translation(domain=acme.domain, match_regex="^8$", tran_user="x"),
        CallRecord.objects.all(),
        now=timezone.now(),
    )
    assert (found.amount, found.is_all) == (0, True)


def test_the_page_tells_and_writes_nothing(acme: World) -> None:
    call(acme, "1000")
    admin = Visitor(acme.people["admin"])
    page = f"/t/acme/routing/{acme.rule.public_id}"
    typed = {
        "tran_user": "bob", "match_regex": "^1000$", "priority": "1", "weight": "1",
        "tran_strip": "0",
    }  # fmt: skip
    admin.sends(page, **typed, enabled="on", effect="1")
    assert "<b>1</b> would go elsewhere" in admin.shown
    assert "eric@example.com" in admin.shown
    acme.rule.refresh_from_db()
    assert acme.rule.tran_user == "eric"
    admin.sends(page, **{**typed, "match_regex": "("}, effect="1")
    assert "The rule is not complete yet" in admin.shown
    new = f"/t/acme/routing/of/{acme.domain.public_id}/new"
    admin.sends(new, **typed, enabled="on", effect="1")
    assert "<b>1</b> would go elsewhere" in admin.shown
    assert list(acme.domain.translations.all()) == [acme.rule]


def test_many_rules_are_asked_once_for_each_call(
    acme: World, django_assert_max_num_queries: object
) -> None:
    for number in range(20):
        services.create_translation(acme.domain, match_regex=f"^{number}$", tran_user="x")
        call(acme, "19")
    new = Translation(domain=acme.domain, match_regex="^19$", tran_user="y", priority=1)
    with django_assert_max_num_queries(2):  # type: ignore[operator]
        assert len(of(new)) == 20
