"""Single sign-on against an OpenID Connect provider: who is known comes in, nobody else does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from fedsip_platform.tenants.models import Person
from tests.harness.oidc import CLIENT_ID, CLIENT_SECRET, Provider
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

BUTTON = "/account/oidc/sso/login/"


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with Provider("owner@example.com") as running:
        app = {
            "provider_id": "sso",
            "name": "Acme's sign-in",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": running.issuer},
        }
        found = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {**found, "APPS": [app]}}
        settings.WEB = replace(settings.WEB, oidc_issuer=running.issuer)
        yield running


@pytest.fixture
def comes_back(provider: Provider) -> Callable[[Client], Any]:
    """Press our button, say yes at the provider, and come back with its code."""

    def come(client: Client) -> Any:
        sent = client.post(BUTTON, secure=True)
        assert sent.status_code == 302
        assert sent["Location"].startswith(f"{provider.issuer}/authorize?")
        back = provider.consents(sent["Location"])
        assert back.startswith("https://testserver/account/oidc/sso/login/callback/?")
        return client.get(back.removeprefix("https://testserver"), secure=True)

    return come


def test_without_the_setting_there_is_no_button(acme: World) -> None:
    client = Client()
    assert BUTTON not in client.get("/sign-in", secure=True).content.decode()
    assert client.post(BUTTON, secure=True).status_code == 404


def test_who_is_known_comes_in(acme: World, comes_back: Callable[[Client], Any]) -> None:
    client = Client()
    assert "Acme&#x27;s sign-in" in client.get("/sign-in", secure=True).content.decode()
    for _ in range(2):  # the first connects the account, the second knows it
        assert comes_back(client)["Location"] == "/"
        assert client.get("/", secure=True)["Location"] == "/t/acme/"
        client.post("/sign-out", secure=True)


def test_browsers_let_the_button_lead_to_the_provider(provider: Provider) -> None:
    policy = Client().get("/sign-in", secure=True)["Content-Security-Policy"]
    assert f"form-action 'self' {provider.issuer};" in policy


def test_nobody_signs_up_by_it(
    acme: World, provider: Provider, comes_back: Callable[[Client], Any]
) -> None:
    provider.email = "stranger@example.org"
    client, before = Client(), Person.objects.count()
    comes_back(client)
    assert client.get("/t/acme/", secure=True).status_code == 302
    assert Person.objects.count() == before


def test_who_may_not_sign_in_does_not_by_it(
    acme: World, comes_back: Callable[[Client], Any]
) -> None:
    Person.objects.filter(email="owner@example.com").update(is_active=False)
    client = Client()
    comes_back(client)
    assert client.get("/t/acme/", secure=True).status_code == 302


def test_a_code_counts_for_the_browser_that_asked(
    acme: World, provider: Provider, comes_back: Callable[[Client], Any]
) -> None:
    asking, other = Client(), Client()
    back = provider.consents(asking.post(BUTTON, secure=True)["Location"])
    path = back.removeprefix("https://testserver")
    for forged in (path, path.replace("code=", "code=x"), f"{path}x"):
        answer = other.get(forged, secure=True)
        assert answer.status_code in (200, 302, 401)
        assert other.get("/t/acme/", secure=True).status_code == 302, forged
    other.post(BUTTON, secure=True)
    assert other.get(path, secure=True).status_code in (200, 302, 401)
    assert other.get("/t/acme/", secure=True).status_code == 302
