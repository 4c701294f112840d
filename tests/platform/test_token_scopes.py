"""What tokens may do: each area apart, decided in one place; when they end and were last used."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.utils import timezone

from fedsip_platform.api import areas, tokens
from fedsip_platform.api.areas import AREAS, Scope
from fedsip_platform.api.models import Token
from tests.platform.aims import AIMED, operations
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

WORDS = sorted({area for area in AREAS.values() if area is not None})


def test_every_address_belongs_to_an_area() -> None:
    assert {path.partition("/")[0] for path, _ in operations()} == set(AREAS)
    named = {scope.partition(":")[0] for scope in Scope.values if ":" in scope}
    assert named == set(WORDS)


@pytest.mark.parametrize(
    ("scopes", "method", "path", "lacks"),
    [
        (["read"], "GET", "users", ""),
        (["read"], "POST", "users", "users:write"),
        (["write"], "DELETE", "users/x", ""),
        (["users:read"], "GET", "users/x", ""),
        (["users:read"], "GET", "registrations", ""),
        (["users:read"], "PATCH", "users/x", "users:write"),
        (["users:read"], "GET", "calls", "calls:read"),
        (["users:write"], "GET", "users", ""),
        (["users:write"], "POST", "users/bulk", ""),
        (["users:write"], "POST", "domains", "domains:write"),
        (["users:write", "calls:read"], "GET", "calls/x/pcap", ""),
        (["users:write", "calls:read"], "DELETE", "live-calls/x", "calls:write"),
        (["audit:read"], "GET", "me", ""),
        (["audit:read"], "PUT", "me/phone", "write"),
        (["write"], "GET", "unheard-of", "unheard-of:read"),
    ],
)
def test_what_a_request_lacks(scopes: list[str], method: str, path: str, lacks: str) -> None:
    request = RequestFactory().generic(method, f"/api/v1/{path}")
    assert areas.missing(scopes, request) == lacks


@pytest.mark.parametrize("area", WORDS)
def test_an_area_opens_no_other(acme: World, area: str) -> None:
    """Each operation with a token that reads this area alone."""
    program = Api(token=tokens.create(acme.people["owner"], "t", f"{area}:read")[1])
    for (path, method), aims in AIMED.items():
        address, body = aims[0](acme)
        answer = program.call(method, address, body)
        word = path.partition("/")[0]
        is_open = method == "get" and (AREAS[word] == area or path.startswith("me/users"))
        if is_open:
            assert answer.status_code in (200, 404), f"{method} {path}: {answer.content!r}"
        else:
            assert answer.status_code == 403, f"{method} {path}: {answer.content!r}"


def test_a_scope_opens_what_it_says(acme: World) -> None:
    program = Api(token=tokens.create(acme.people["owner"], "t", ["users:write", "calls:read"])[1])
    body = {"domain": "example.com", "username": "bob", "password": "a good password"}
    assert program.post("users", body).status_code == 201
    assert program.get("calls").status_code == 200
    refused = program.post("aliases", {"domain": "example.com", "name": "1", "target": "bob"})
    assert refused.status_code == 403
    assert refused.json()["detail"] == "This token may not do this: it lacks routing:write."


def test_scopes_add_nothing_to_a_role(acme: World) -> None:
    program = Api(token=tokens.create(acme.people["viewer"], "t", "users:write")[1])
    assert program.delete("users/alice@example.com").status_code == 403


def test_tokens_are_made_with_scopes(acme: World) -> None:
    owner = Api(acme.people["owner"])
    made = owner.post("tokens", {"name": "t", "scopes": ["calls:read", "users:write"]})
    assert made.json()["scopes"] == ["calls:read", "users:write"]
    assert owner.post("tokens", {"name": "t"}).json()["scopes"] == ["read"]
    for scopes in ([], ["everything"], "read", ["users:everything"]):
        assert owner.post("tokens", {"name": "t", "scopes": scopes}).status_code == 400
    viewer = Api(acme.people["viewer"])
    body = {"name": "t", "tenant": "acme", "scopes": ["calls:write"]}
    assert viewer.post("tokens", body).status_code == 403


def test_the_database_knows_the_scopes_too(acme: World) -> None:
    for scopes in ([], ["everything"]):
        with pytest.raises(IntegrityError), transaction.atomic():
            Token.objects.update(scopes=scopes)


def test_tokens_end_and_tell_when_they_were_used(acme: World) -> None:
    now = timezone.now()
    token, text = tokens.create(
        acme.people["owner"], "t", "read", expires_at=now + timedelta(hours=1)
    )
    assert token.last_used_at is None
    assert Api(token=text).get("me").status_code == 200
    token.refresh_from_db()
    assert now <= token.last_used_at <= timezone.now()
    Token.objects.filter(pk=token.pk).update(expires_at=now)
    refused = Api(token=text).get("me")
    assert (refused.status_code, refused.headers["WWW-Authenticate"][:6]) == (401, "Bearer")
