"""The page on which people make tokens: several scopes, an end, and the text shown once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.api import tokens
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


def test_owners_see_and_end_the_tokens_of_others(acme: World, rival: World) -> None:
    token, text = tokens.create(acme.people["admin"], "forgotten", tenant=acme.tenant)
    tokens.create(rival.people["owner"], "theirs", tenant=rival.tenant)
    of_everywhere, _ = tokens.create(acme.people["admin"], "everywhere")
    owner, viewer = Visitor(acme.people["owner"]), Visitor(acme.people["viewer"])
    shown = owner.reads(PAGE)
    assert "forgotten" in shown
    assert "admin@example.com" in shown
    assert "everywhere" not in shown  # it reaches other tenants, too: its person's alone
    assert "forgotten" not in viewer.reads(PAGE)
    withdrawn = f"{PAGE}tokens/{token.public_id}/withdraw"
    assert Visitor(acme.people["viewer"]).sends(withdrawn)
    assert Api(token=text).get("users").status_code == 200
    owner.sends(withdrawn)
    assert Api(token=text).get("users").status_code == 401
    owner.sends(f"{PAGE}tokens/{of_everywhere.public_id}/withdraw")
    assert owner.status == 404


def test_administrators_end_their_own_tokens_alone(acme: World) -> None:
    token, _ = tokens.create(acme.people["owner"], "hers", tenant=acme.tenant)
    admin = Visitor(acme.people["admin"])
    admin.sends(f"{PAGE}tokens/{token.public_id}/withdraw")
    assert admin.status == 404
    assert Token.objects.filter(pk=token.pk).exists()


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
