"""fedsip phone, and what of people is their own."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore

from fedsip_platform.tenants.models import Person
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db

EMAIL = "ann@example.org"
ALICE = "alice@example.com"


@pytest.fixture
def ann(acme: Fedsip) -> Fedsip:
    """Somebody who looks after acme, which has the user alice."""
    acme("admin", "add", EMAIL, "--tenant", "acme", "--role", "owner", "--generate")
    acme("user", "add", ALICE, "--generate")
    return acme


def test_a_phone_is_chosen_and_taken_away(ann: Fedsip) -> None:
    none = ann("phone", "show", EMAIL)
    assert (none.code, "has no phone yet" in none.complained) == (1, True)
    assert ann("phone", "choose", EMAIL, ALICE).said == f"{EMAIL} telephones as {ALICE} now.\n"
    assert ann("phone", "show", EMAIL, "--json").json["aor"] == ALICE
    ann("forward", "set", ALICE, "busy", "+15550000000")
    [own] = ann("people", "users", EMAIL, "--json").json
    assert (own["aor"], own["forwards"]) == (ALICE, ["busy to +15550000000@example.com"])
    assert ann("user", "show", ALICE, "--json").json["owner"] == EMAIL
    assert ann("user", "disown", ALICE).said == f"{ALICE} is nobody's own now.\n"
    assert ann("people", "users", EMAIL, "--json").json == []


def test_favourites_are_kept_and_forgotten(ann: Fedsip) -> None:
    ann("phone", "choose", EMAIL, ALICE)
    assert ann("phone", "keep", EMAIL, "bob", "--name", "Bob").code == 0
    listed = ann("phone", "favourites", EMAIL, "--json").json
    assert listed == [{"address": "bob@example.com", "name": "Bob"}]
    wrong = ann("phone", "forget", EMAIL, "carol@example.com")
    assert wrong.complained == "fedsip: carol@example.com is not kept; ./fedsip phone favourites\n"
    assert ann("phone", "forget", EMAIL, "bob@example.com").code == 0
    assert ann("phone", "favourites", EMAIL).said == "(none)\n"


def test_a_pass_is_shown_once(ann: Fedsip) -> None:
    words = ("phone", "pass", ALICE, "--host", "sip.example.com:8443")
    made = ann(*words, "--seconds", "600", "--json").json
    assert (made["address"], made["websocket"]) == (ALICE, "wss://sip.example.com:8443/sip")
    assert ann(*words).said.startswith("the pass, shown once: ")
    short = ann(*words, "--seconds", "1")
    assert (short.code, short.complained) == (1, "fedsip: Give 60 to 86400 seconds.\n")


def test_sessions_are_seen_and_ended(ann: Fedsip) -> None:
    store = SessionStore()
    store.create()
    session = UserSession.objects.create(
        user=Person.objects.get(email=EMAIL),
        session_key=store.session_key,
        ip="192.0.2.7",
        user_agent="A browser",
    )
    [row] = ann("people", "sessions", EMAIL, "--json").json
    assert (row["id"], row["address"]) == (session.pk, "192.0.2.7")
    ended = ann("people", "sign-out", EMAIL, str(session.pk))
    assert ended.said == f"{EMAIL} is signed out from 192.0.2.7.\n"
    assert not SessionStore().exists(store.session_key)
    again = ann("people", "sign-out", EMAIL, str(session.pk))
    assert (again.code, "has no session" in again.complained) == (1, True)


def test_one_person(ann: Fedsip) -> None:
    assert ann("people", "show", EMAIL, "--json").json["tenants"] == {"acme": "owner"}
