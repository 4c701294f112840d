"""fedsip admin, and fedsip prepare"""

from __future__ import annotations

import pytest

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tenants.models import Person
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db
GOOD = "correct horse battery"


def test_an_operator(fedsip: Fedsip) -> None:
    made = fedsip("admin", "add", "Ann@Example.com", "--password-stdin", stdin=GOOD)
    assert made.said == "ann@example.com is operator of the platform.\n"
    person = Person.objects.get()
    assert person.is_operator
    assert person.check_password(GOOD)


def test_somebody_who_looks_after_two_tenants(acme: Fedsip) -> None:
    acme("tenant", "add", "other")
    acme("admin", "add", "ann@example.com", "--tenant", "acme", "--generate")
    acme("admin", "add", "ann@example.com", "--tenant", "other", "--role", "viewer")
    [row] = acme("admin", "list", "--json").json
    assert row["operator"] is False
    assert row["tenants"] == {"acme": "owner", "other": "viewer"}
    assert "acme: owner, other: viewer" in acme("admin", "list").said


def test_a_new_password(fedsip: Fedsip) -> None:
    fedsip("admin", "add", "ann@example.com", "--generate")
    word = fedsip("admin", "password", "ann@example.com", "--generate", "--json").json["password"]
    assert Person.objects.get().check_password(word)


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        (("add", "ann@example.com"), "", "ann@example.com can sign in already."),
        (("add", "ann"), "", "Enter a valid"),
        (("add", "b@example.com", "--password-stdin"), "short", "a password to sign in has at"),
        (("password", "bob@example.com"), "", "nobody signs in as bob@example.com"),
        (("add", "b@example.com", "--tenant", "nobody"), "", "there is no tenant nobody."),
    ],
)
def test_errors_are_sentences(
    fedsip: Fedsip, words: tuple[str, ...], stdin: str, sentence: str
) -> None:
    fedsip("admin", "add", "ann@example.com", "--generate")
    outcome = fedsip("admin", *words, stdin=stdin)
    assert outcome.complained.startswith(f"fedsip: {sentence}")
    assert outcome.complained.count("\n") == 1
    assert (outcome.said, outcome.code) == ("", 1)


def test_prepare_makes_everything_once(fedsip: Fedsip) -> None:
    first = fedsip("prepare", "--json", "--demo", "fedsip.local").json
    assert Person.objects.get().check_password(first["administrator"]["password"])
    assert [user["username"] for user in first["demo"]["users"]] == ["alice", "bob"]
    assert all(user["password"] for user in first["demo"]["users"])
    hashes = list(Subscriber.objects.values_list("ha1_md5"))
    second = fedsip("prepare", "--json", "--demo", "fedsip.local").json
    assert second["administrator"] == {"email": "admin@fedsip.local", "password": None}
    assert [user["password"] for user in second["demo"]["users"]] == [None, None]
    assert list(Subscriber.objects.values_list("ha1_md5")) == hashes


@pytest.mark.parametrize(
    ("host", "email"),
    [
        ("", "admin@fedsip.local"),
        ("sip.example.com", "admin@sip.example.com"),
        ("203.0.113.5", "admin@fedsip.local"),
        ("pbx", "admin@fedsip.local"),
    ],
)
def test_the_first_administrators_address(
    fedsip: Fedsip, monkeypatch: pytest.MonkeyPatch, host: str, email: str
) -> None:
    monkeypatch.setenv("FEDSIP_HOSTNAME", host)
    assert fedsip("prepare", "--json").json["administrator"]["email"] == email


def test_the_first_administrator_telephones_as_the_demos_first_user(fedsip: Fedsip) -> None:
    fedsip("prepare", "--demo", "demo.example", "--json")
    own = Subscriber.objects.exclude(person=None)
    assert str(own.get()) == "alice@demo.example"
    own.update(person=None)
    fedsip("prepare", "--demo", "demo.example", "--json")
    assert str(own.get()) == "alice@demo.example"
