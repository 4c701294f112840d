"""What a stranger can make of the pages before signing in: nothing that he could use."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from fedsip_platform.tasks.models import Letter
from tests.platform.world import PASSWORD, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "\thttps://evil.example/",
    "https://testserver@evil.example/",
)


def with_password(email: str) -> str:
    person = make_person(email)
    person.set_password(PASSWORD)
    person.save()
    return email


def shown(client: Client, email: str) -> str:
    """The page of a refused sign-in, without what differs by itself or was typed."""
    page = client.post("/sign-in", {"login": email, "password": "wrong"}, secure=True)
    assert page.status_code == 200
    text = page.content.decode().replace(email, "")
    return re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]*"', "", text)


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nobody_is_led_elsewhere_by_signing_in(elsewhere: str) -> None:
    body = {"login": with_password("carol@example.org"), "password": PASSWORD, "next": elsewhere}
    answer = Client().post("/sign-in", body, secure=True, query_params={"next": elsewhere})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_nor_by_acting_for_a_tenant_or_signing_out(elsewhere: str, acme: World) -> None:
    client = Client()
    client.force_login(acme.people["owner"], "allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post("/sign-out", {"next": elsewhere}, secure=True)
    assert answer.headers.get("Location", "/").startswith("/")
    assert not answer.headers.get("Location", "/").startswith(("//", "/\\"))


def test_who_has_an_account_is_told_to_nobody() -> None:
    known = with_password("carol@example.org")
    assert shown(Client(), known) == shown(Client(), "nobody@example.org")


def test_another_host_is_refused_and_stands_in_no_letter() -> None:
    known = with_password("carol@example.org")
    assert (
        Client().get("/sign-in", secure=True, headers={"host": "evil.example"}).status_code == 400
    )
    Client().post(
        "/account/password/reset/",
        {"email": known},
        secure=True,
        headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"},
    )
    assert "evil.example" not in Letter.objects.get().body


def test_header_fields_cannot_be_written_by_an_address() -> None:
    for address in ("a@example.org\r\nBcc: b@example.org", "a@example.org%0abcc:b", '"\r\n"@x.org'):
        Client().post("/account/password/reset/", {"email": address}, secure=True)
    assert not Letter.objects.exists()
