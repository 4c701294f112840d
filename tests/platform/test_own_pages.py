"""A subscriber's own page: what belongs to her user, and nobody else's."""

from __future__ import annotations

import pytest

from fedsip_platform.directory.services import disable_subscriber
from fedsip_platform.location.models import Binding
from fedsip_platform.people.services import own
from fedsip_platform.routing.models import Forward
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def alice(acme: World) -> Visitor:
    person = make_person("alice@people.example")
    own(acme.user, person)
    return Visitor(person)


def page(world: World) -> str:
    return f"/mine/{world.user.public_id}"


def test_she_lands_on_her_phone(acme: World, alice: Visitor) -> None:
    shown = alice.reads("/")
    for text in ("alice@example.com", "192.0.2.7:5060", "when busy", "bob@example.com"):
        assert text in shown, text
    assert "/t/acme/" not in shown
    assert alice.reads("/t/acme/")
    assert alice.status == 404


def test_an_owner_gives_a_user_by_letter_and_takes_it_away(acme: World) -> None:
    owner, dora = Visitor(acme.people["owner"]), Visitor(make_person("dora@people.example"))
    of_user = f"/t/acme/users/{acme.user.public_id}"
    assert "Nobody's own yet" in owner.reads(of_user)
    owner.sends(f"{of_user}/owner", email="no address")
    assert owner.problems == ["Enter a valid email address."]
    shown = owner.sends(f"{of_user}/owner", email="dora@people.example")
    link = shown.partition('<code id="secret">')[2].partition("<")[0]
    assert owner.answer is not None
    assert owner.answer["Cache-Control"] == "no-store"
    assert link
    assert link not in owner.reads(of_user)
    assert "dora@people.example" in owner.shown
    dora.sends(link.removeprefix("https://testserver"))
    assert "alice@example.com" in dora.reads(page(acme))
    assert "dora@people.example" in Visitor(acme.people["viewer"]).reads(of_user)
    assert "is nobody's own now" in owner.sends(f"{of_user}/owner/remove")
    dora.reads(page(acme))
    assert dora.status == 404


def test_whose_a_user_is_stands_in_the_api(acme: World, alice: Visitor) -> None:
    users = "users/alice@example.com"
    owner, admin = Api(acme.people["owner"]), Api(acme.people["admin"])
    assert owner.get(users).json()["owner"] == "alice@people.example"
    assert admin.delete(f"{users}/owner").status_code == 403
    assert owner.delete(f"{users}/owner").status_code == 204
    assert owner.get(users).json()["owner"] is None


def test_a_new_password_is_shown_once(acme: World, alice: Visitor) -> None:
    before = acme.user.ha1_md5
    shown = alice.sends(f"{page(acme)}/password")
    secret = shown.partition('<code id="secret">')[2].partition("<")[0]
    acme.user.refresh_from_db()
    assert acme.user.ha1_md5 != before
    assert alice.answer is not None
    assert alice.answer["Cache-Control"] == "no-store"
    assert secret
    assert secret not in alice.reads(page(acme))


def test_her_devices_and_forwards(acme: World, alice: Visitor) -> None:
    alice.sends(f"{page(acme)}/devices/{acme.binding.pk}/sign-out")
    assert Binding.objects.get(pk=acme.binding.pk).deleted
    assert "No phone is signed in" in alice.shown
    typed = {"condition": "always", "target": "+15557", "ring_seconds": "20", "enabled": "on"}
    alice.sends(page(acme), **typed)
    assert "at once, no phone rings" in alice.shown
    alice.sends(page(acme), **{**typed, "condition": "no_answer", "target": "alice"})
    assert alice.problems == ["This is the user himself."]
    for forward in Forward.objects.filter(user=acme.user):
        alice.sends(f"{page(acme)}/forwards/{forward.public_id}/delete")
    assert not Forward.objects.filter(user=acme.user).exists()


def test_nobody_else_is_there(acme: World, rival: World, alice: Visitor) -> None:
    forward, binding = rival.routes["forwards"], rival.binding
    for visitor, world in ((alice, rival), (Visitor(acme.people["owner"]), acme)):
        at = page(world)
        for path in (f"{at}/password", f"{at}/devices/{world.binding.pk}/sign-out", at):
            visitor.sends(path)
            assert visitor.status == 404, path
        visitor.reads(at)
        assert visitor.status == 404
    alice.sends(f"{page(acme)}/forwards/{forward.public_id}/delete")
    assert alice.status == 404
    alice.sends(f"{page(acme)}/devices/{binding.pk}/sign-out")
    assert alice.status == 404
    assert Forward.objects.filter(pk=forward.pk).exists()
    assert not Binding.objects.get(pk=binding.pk).deleted


def test_whose_user_is_disabled_has_no_page(acme: World, alice: Visitor) -> None:
    disable_subscriber(acme.user)
    alice.reads(page(acme))
    assert alice.status == 404
    assert "You have no phone here yet" in alice.reads("/mine/")
