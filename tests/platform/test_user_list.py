"""The list of users: what stands beside each, and which a chip leaves."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import FailedSignIn
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.routing import services as routing
from tests.platform.browsing import Visitor
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def visitor(acme: World) -> Visitor:
    """Who looks at alice, who is online and has called, and at bob, who has never been seen."""
    services.create_subscriber(acme.domain, "bob", "a good password")
    return Visitor(acme.people["viewer"])


def row_of(visitor: Visitor, name: str) -> str:
    found = re.search(rf"<tr>(?:(?!</tr>).)*{name}@example\.com.*?</tr>", visitor.shown, re.DOTALL)
    return found[0] if found else ""


def test_other_names_and_the_last_call_stand_beside_a_user(acme: World, visitor: Visitor) -> None:
    for number in range(2000, 2004):
        routing.create_alias(acme.domain, str(number), "alice")
    visitor.reads("/t/acme/users/")
    assert "1000, 2000, 2001 …" in row_of(visitor, "alice")
    assert "1\xa0minute ago" in row_of(visitor, "alice")
    assert ">none<" in row_of(visitor, "bob")


@pytest.mark.parametrize(
    ("show", "names"),
    [
        ("online", ["alice"]),
        ("offline", ["bob"]),
        ("never", ["bob"]),
        ("disabled", []),
        ("failing", ["alice"]),
    ],
)
def test_chips(acme: World, visitor: Visitor, show: str, names: list[str]) -> None:
    FailedSignIn.objects.create(
        domain=acme.domain, aor="bob@example.com", address="192.0.2.9", hour=timezone.now(),
        last_at=timezone.now() - timedelta(days=2),
    )  # fmt: skip
    visitor.reads(f"/t/acme/users/?show={show}")
    assert [name for name in ("alice", "bob") if row_of(visitor, name)] == names


def test_what_was_done_to_many_is_taken_back(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    bob = services.create_subscriber(acme.domain, "bob", "a good password")
    carol = services.create_subscriber(acme.domain, "carol", "a good password")
    services.disable_subscriber(carol)
    keys = [str(each.public_id) for each in (acme.user, bob, carol)]
    shown = admin.sends("/t/acme/users/bulk", action="disable", user=keys)
    assert "2 users are disabled; their phones are signed out." in shown
    undo = re.search(r'action="(/t/acme/users/bulk\?[^"]+)"', shown)
    assert undo is not None
    assert "2 users may sign in again." in admin.sends(undo[1])
    assert set(Subscriber.objects.filter(enabled=True)) == {acme.user, bob}
    assert "Choose users first." in admin.sends("/t/acme/users/bulk", action="disable")
