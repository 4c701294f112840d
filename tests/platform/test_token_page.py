"""The page on which people make tokens: several scopes, an end, and the text shown once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.api.models import Token
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/developers/"


def test_a_token_with_several_scopes_and_an_end(acme: World) -> None:
    admin = Visitor(acme.people["admin"])
    scopes = ["users:write", "calls:read"]
    shown = admin.sends(f"{PAGE}tokens", name="deploy", scopes=scopes, days="30")
    made = Token.objects.get(name="deploy")
    assert (made.scopes, made.tenant) == (sorted(scopes), acme.tenant)
    assert made.expires_at is not None
    assert timedelta(days=29) < made.expires_at - timezone.now() <= timedelta(days=30)
    text = shown.partition('<code id="secret">')[2].partition("<")[0]
    program = Api(token=text)
    assert program.get("calls").status_code == 200
    assert program.get("domains").status_code == 403
    assert text not in admin.reads(PAGE)
    assert "calls:read, users:write" in admin.shown


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "x", "scopes": []},
        {"name": "x", "scopes": ["everything"]},
        {"name": "", "scopes": ["read"]},
        {"name": "x", "scopes": ["read"], "days": "0"},
        {"name": "x\0", "scopes": ["read"]},
    ],
)
def test_what_is_refused_is_said_beside_the_field(acme: World, fields: dict[str, object]) -> None:
    before = Token.objects.count()
    admin = Visitor(acme.people["admin"])
    admin.sends(f"{PAGE}tokens", **fields)
    assert (admin.status, Token.objects.count()) == (200, before)
    assert admin.problems
