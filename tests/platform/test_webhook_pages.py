"""Webhooks in pages: made with a key shown once, tested, tried again, deleted."""

from __future__ import annotations

import pytest

from fedsip_platform.webhooks import services
from fedsip_platform.webhooks.models import Delivery, Webhook
from tests.platform.browsing import Visitor
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/developers/webhooks/"


@pytest.fixture
def admin(acme: World) -> Visitor:
    return Visitor(acme.people["admin"])


def test_its_key_is_shown_once(acme: World, admin: Visitor) -> None:
    typed = {"url": "https://crm.example.org/x", "events": ["call.ended"], "enabled": "on"}
    page = admin.sends(f"{PAGE}new", **typed)
    made = Webhook.objects.get(url=typed["url"])
    secret = services.secret_of(made)
    assert secret in page
    assert admin.answer is not None
    assert admin.answer["Cache-Control"] == "no-store"
    assert secret not in admin.reads(f"{PAGE}{made.public_id}")
    assert typed["url"] in admin.reads(PAGE)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ({"url": "http://crm.example.org/", "events": ["call.ended"]}, "begins with https://"),
        ({"url": "https://127.0.0.1/", "events": ["call.ended"]}, "public"),
        ({"url": "https://crm.example.org/", "events": []}, "Name the events"),
        ({"url": "https://crm.example.org/", "events": ["test"]}, "test is not one of the"),
        ({"url": "", "events": ["call.ended"]}, "required"),
    ],
)
def test_bad_targets_are_refused(
    acme: World, admin: Visitor, typed: dict[str, object], reason: str
) -> None:
    admin.sends(f"{PAGE}new", **typed)
    assert [text for text in admin.problems if reason in text], admin.problems
    assert not Webhook.objects.exclude(pk=acme.delivery.webhook_id).exists()


def test_deliveries_are_seen_and_tried_again(acme: World, admin: Visitor) -> None:
    delivery = acme.delivery
    page = f"{PAGE}{delivery.webhook.public_id}"
    admin.sends(f"{page}/test")
    assert delivery.webhook.deliveries.count() == 2
    assert "This is a test of your webhook." in admin.shown
    Delivery.objects.filter(pk=delivery.pk).update(
        state="failed", status=500, problem="It <b>fell", attempts=1, answer="<b>no such queue"
    )
    assert "It <b>fell" in admin.reads(page)
    assert "<b>no such queue" in admin.shown
    assert f'"id": "{delivery.public_id}"' in admin.shown
    assert b"<b>fell" not in admin.answer.content
    assert b"<b>no such" not in admin.answer.content
    assert "1 given up" in admin.reads(PAGE)
    admin.sends(f"/t/acme/developers/deliveries/{delivery.public_id}/retry")
    delivery.refresh_from_db()
    assert delivery.state == "waiting"


def test_what_has_arrived_is_sent_again_as_a_delivery_of_its_own(
    acme: World, admin: Visitor
) -> None:
    first = acme.delivery
    Delivery.objects.filter(pk=first.pk).update(state="delivered", status=200)
    assert "Send it again" in admin.reads(f"{PAGE}{first.webhook.public_id}")
    admin.sends(f"/t/acme/developers/deliveries/{first.public_id}/retry")
    again = Delivery.objects.latest("pk")
    assert (again.webhook, again.event, again.body) == (first.webhook, first.event, first.body)
    assert (again.state, again.status) == ("waiting", None)
    first.refresh_from_db()
    assert first.state == "delivered"


def test_it_is_changed_and_deleted(acme: World, admin: Visitor) -> None:
    webhook = acme.delivery.webhook
    typed = {"url": webhook.url, "events": ["call.started"], "note": "CRM"}
    admin.sends(f"{PAGE}{webhook.public_id}", **typed)
    webhook.refresh_from_db()
    assert (webhook.events, webhook.enabled, webhook.note) == (["call.started"], False, "CRM")
    admin.sends(f"{PAGE}{webhook.public_id}/delete")
    assert not Webhook.objects.exists()
