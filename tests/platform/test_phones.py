"""Telephoning in browsers: whose phone is whose, and the passes that pages are given."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from fedsip_platform.api import tokens
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway import services
from fedsip_platform.people import services as people
from proxy.sip import digest, passes
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

KEY = bytes.fromhex("5a" * 32)  # tests/conftest.py


def is_good(given: dict[str, str | int], world: World, *, wall: float) -> bool:
    """Whether a proxy would take it."""
    realm = world.domain.name.encode()
    world.user.refresh_from_db()
    expected = passes.pass_ha1(
        KEY,
        str(given["username"]).encode(),
        realm,
        world.user.ha1_md5.encode(),
        digest.MD5,
        wall=wall,
    )
    return expected == digest.ha1(
        str(given["username"]).encode(), realm, str(given["password"]).encode()
    )


def test_a_person_without_a_phone(as_admin: Api) -> None:
    assert as_admin.get("me/phone").status_code == 404
    assert as_admin.post("me/phone/pass").status_code == 404


def test_ones_own_phone_and_its_pass(as_admin: Api, acme: World) -> None:
    chosen = as_admin.put("me/phone", {"address": "sip:Alice@example.com"})
    assert chosen.json() == {"address": "alice@example.com", "display_name": "Alice"}
    assert as_admin.get("me/phone").json() == chosen.json()
    given = as_admin.post("me/phone/pass").json()
    assert given["address"] == "alice@example.com"
    assert given["websocket"] == "wss://testserver/sip"
    assert is_good(given, acme, wall=time.time())
    assert not is_good(given, acme, wall=time.time() + 3601)


def test_it_ends_with_the_password_and_with_the_user(as_admin: Api, acme: World) -> None:
    as_admin.put("me/phone", {"address": "alice@example.com"})
    given = as_admin.post("me/phone/pass").json()
    from fedsip_platform.directory import services as directory

    directory.set_password(acme.user, "another good password")
    assert not is_good(given, acme, wall=time.time())
    directory.disable_subscriber(acme.user)
    assert as_admin.post("me/phone/pass").status_code == 409


def test_a_viewer_telephones_as_whom_he_was_given_and_chooses_nobody(acme: World) -> None:
    viewer = Api(acme.people["viewer"])
    assert viewer.put("me/phone", {"address": "alice@example.com"}).status_code == 403
    services.give_phone(acme.people["viewer"], acme.user)
    assert viewer.post("me/phone/pass").status_code == 200


def test_a_phone_goes_with_the_membership(acme: World) -> None:
    services.give_phone(acme.people["viewer"], acme.user)
    people.leave(acme.membership("viewer"))
    assert Api(acme.people["viewer"]).post("me/phone/pass").status_code == 404


def test_nobody_takes_somebody_elses_own(acme: World, as_admin: Api) -> None:
    services.give_phone(acme.people["viewer"], acme.user)
    assert as_admin.put("me/phone", {"address": "alice@example.com"}).status_code == 409
    acme.user.refresh_from_db()
    assert acme.user.person == acme.people["viewer"]


def test_another_phone_frees_the_one_before(acme: World, as_admin: Api) -> None:
    from fedsip_platform.directory import services as directory

    directory.create_subscriber(acme.domain, "bob", "a good password")
    for name in ("alice", "bob"):
        assert as_admin.put("me/phone", {"address": f"{name}@example.com"}).status_code == 200
    assert [str(user) for user in acme.people["admin"].subscribers.all()] == ["bob@example.com"]


def test_no_program_has_a_phone_of_its_own(acme: World) -> None:
    _, text = tokens.create(acme.people["owner"], "program", "write")
    services.give_phone(acme.people["owner"], acme.user)
    assert Api(token=text).post("me/phone/pass").status_code == 403


def test_a_program_makes_passes_for_its_pages(acme: World) -> None:
    _, text = tokens.create(acme.people["owner"], "shop", "write", tenant=acme.tenant)
    answer = Api(token=text).post("users/alice@example.com/pass", {"seconds": 600})
    given = answer.json()
    assert is_good(given, acme, wall=time.time())
    assert not is_good(given, acme, wall=time.time() + 601)
    token = given.pop("token")
    assert json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))) == given


@pytest.mark.parametrize(
    ("policy", "stun", "servers"),
    [
        ("always", "", []),
        ("auto", "", ["stun:testserver:5060"]),
        ("never", "a.test:3478, b.test", ["stun:a.test:3478", "stun:b.test"]),
        ("never", "off", []),
    ],
)
def test_stun_where_browsers_may_speak_directly(
    as_admin: Api, acme: World, settings: Any, policy: str, stun: str, servers: list[str]
) -> None:
    settings.WEB = replace(settings.WEB, stun=stun)
    Subscriber.objects.filter(pk=acme.user.pk).update(media_policy=policy)
    given = as_admin.post("users/alice@example.com/pass", {"seconds": 600}).json()
    assert given["ice_servers"] == servers
    assert given["relay_in_reserve"] is (policy == "auto")


@pytest.mark.parametrize("seconds", [0, 59, 86401, -1, "soon", None, 10**30])
def test_for_how_long(as_admin: Api, seconds: object) -> None:
    answer = as_admin.post("users/alice@example.com/pass", {"seconds": seconds})
    assert answer.status_code == 400
    assert "seconds" in answer.content.decode()


@pytest.mark.parametrize("role", ["viewer"])
def test_who_only_looks_makes_none(acme: World, role: str) -> None:
    assert Api(acme.people[role]).post("users/alice@example.com/pass", {}).status_code == 403


def test_favourites(as_admin: Api, acme: World, rival: World) -> None:
    """The user's own: the same in each of her browsers, and for nobody else."""
    assert as_admin.post("me/phone/favourites", {"address": "bob"}).status_code == 404
    as_admin.put("me/phone", {"address": "alice@example.com"})
    typed = {"Bob": "sip:Bob", "Desk": "+49 (89) 123-4", "Carol": "Carol@Elsewhere.TEST"}
    made = [
        as_admin.post("me/phone/favourites", {"address": address, "name": name}).json()
        for name, address in typed.items()
    ]
    addresses = ["bob@example.com", "+49891234@example.com", "Carol@elsewhere.test"]
    assert [one["address"] for one in made] == addresses
    assert as_admin.get("me/phone/favourites").json()["results"] == made
    again = as_admin.post("me/phone/favourites", {"address": "bob@example.com"})
    assert (again.status_code, again.json()["errors"][0]["reason"]) == (
        409,
        "This is one of your favourites already.",
    )
    assert as_admin.delete(f"me/phone/favourites/{made[0]['id']}").status_code == 204
    services.give_phone(rival.people["admin"], rival.user)
    other = Api(rival.people["admin"])
    assert other.get("me/phone/favourites").json()["results"] == []
    assert other.delete(f"me/phone/favourites/{made[1]['id']}").status_code == 404
    assert as_admin.get("me/phone/favourites").json()["results"] == made[1:]


@pytest.mark.parametrize("address", ["", "a b", "a@b@c", "<bob>", "x" * 500, "a@-"])
def test_what_is_no_favourite(as_admin: Api, address: str) -> None:
    as_admin.put("me/phone", {"address": "alice@example.com"})
    answer = as_admin.post("me/phone/favourites", {"address": address})
    assert answer.status_code == 400
    assert "address" in answer.content.decode()


def test_so_many_favourites_and_no_more(as_admin: Api, acme: World) -> None:
    as_admin.put("me/phone", {"address": "alice@example.com"})
    for number in range(services.MOST_FAVOURITES):
        services.add_favourite(acme.user, f"u{number}")
    assert as_admin.post("me/phone/favourites", {"address": "one-more"}).status_code == 409


def test_sites(as_admin: Api, acme: World) -> None:
    made = as_admin.post("origins", {"tenant": "acme", "origin": "https://Shop.example/"})
    assert made.json()["origin"] == "https://shop.example"
    again = as_admin.post("origins", {"tenant": "acme", "origin": "https://shop.example"})
    assert again.status_code == 409
    assert as_admin.post("origins", {"tenant": "acme", "origin": "shop"}).status_code == 400
    assert as_admin.delete(f"origins/{made.json()['id']}").status_code == 204
    assert [one["origin"] for one in as_admin.get("origins").json()["results"]] == [
        "https://www.example.com"
    ]
