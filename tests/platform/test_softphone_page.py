"""The softphone's pages: whose phone is shown, who may choose one, and what the page may load."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.people.services import own
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/softphone/"


def signed_in(person: Any) -> Client:
    return Api(person)._client


def choose(client: Client, address: str) -> Any:
    return client.post(PAGE, {"address": address}, secure=True, follow=True)


def test_without_a_phone_one_is_asked(acme: World) -> None:
    page = signed_in(acme.people["admin"]).get(PAGE, secure=True).content.decode()
    assert "As whom do you telephone?" in page
    assert '<option value="alice@example.com">Alice</option>' in page
    assert "data-softphone" not in page


def test_chosen_it_is_there_on_both_pages(acme: World) -> None:
    client = signed_in(acme.people["admin"])
    assert (
        'data-address="alice@example.com"'
        in choose(client, " sip:Alice@Example.com ").content.decode()
    )
    assert (
        'data-address="alice@example.com"' in client.get("/softphone", secure=True).content.decode()
    )


def test_no_password_or_pass_is_in_the_page(acme: World) -> None:
    client = signed_in(acme.people["admin"])
    page = choose(client, "alice@example.com").content.decode()
    assert acme.user.ha1_md5 not in page
    assert 'data-pass-at="/api/v1/me/phone/pass"' in page


@pytest.mark.parametrize(
    "address", ["alice@example.net", "nobody@example.com", "", "a\0b", "x" * 500]
)
def test_nobody_elses_phone(acme: World, rival: World, address: str) -> None:
    answer = choose(signed_in(acme.people["admin"]), address)
    assert "no such user" in answer.content.decode()
    assert not Subscriber.objects.exclude(person=None).exists()


def test_a_viewer_chooses_nobody(acme: World) -> None:
    client = signed_in(acme.people["viewer"])
    assert "You have no phone here yet" in client.get(PAGE, secure=True).content.decode()
    assert choose(client, "alice@example.com").status_code == 403


def test_ones_own_user_is_ones_phone_without_any_tenant(acme: World) -> None:
    person = make_person("alice@people.example")
    own(acme.user, person)
    page = signed_in(person).get("/softphone", secure=True).content.decode()
    assert 'data-address="alice@example.com"' in page


def test_strangers_are_sent_to_the_door(acme: World) -> None:
    answer = Client().get("/softphone", secure=True)
    assert answer.status_code == 302
    assert "next=/softphone" in answer["Location"]


def test_nothing_in_the_page_needs_a_weaker_policy(acme: World) -> None:
    client = signed_in(acme.people["admin"])
    answer = choose(client, "alice@example.com")
    page = answer.content.decode()
    assert "'unsafe-inline'" not in answer["Content-Security-Policy"]
    assert "<script>" not in page
    assert "style=" not in page
