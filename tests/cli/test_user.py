"""fedsip user"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fedsip_platform.directory.models import Subscriber
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_a_password_from_standard_input(acme: Fedsip) -> None:
    made = acme("user", "add", "Alice@example.com", "--password-stdin", stdin="wonder land 7\n")
    assert made.said == "user alice@example.com is made.\n"
    assert Subscriber.objects.get().ha1_md5 == _md5("alice:example.com:wonder land 7")


def test_a_generated_password_is_shown_once(acme: Fedsip) -> None:
    made = acme("user", "add", "alice@example.com", "--generate", "--json").json
    assert len(made["password"]) == 19
    expected = _md5(f"alice:example.com:{made['password']}")
    assert Subscriber.objects.get().ha1_md5 == expected
    [listed] = acme("user", "list", "--json").json
    assert "password" not in listed


def test_what_holds_for_one_user(acme: Fedsip) -> None:
    acme("user", "add", "alice@example.com", "--generate")
    outcome = acme("user", "set", "alice@example.com", "srtp=required", "codecs=opus PCMA/8000")
    assert outcome.said == "user alice@example.com has srtp=required, codecs=opus PCMA/8000 now.\n"
    alice = Subscriber.objects.get()
    assert (alice.srtp, alice.codecs, alice.media_policy) == ("required", "opus PCMA/8000", "")
    refused = acme("user", "set", "alice@example.com", "codecs=opus MP3")
    assert "MP3 is no codec known here" in refused.complained
    assert (
        "there is no field ha1_md5"
        in acme("user", "set", "alice@example.com", "ha1_md5=0").complained
    )


def test_without_a_terminal_a_password_is_made(acme: Fedsip) -> None:
    assert "password (shown only now): " in acme("user", "add", "bob@example.com").said


def test_a_new_password(acme: Fedsip) -> None:
    acme("user", "add", "alice@example.com", "--generate")
    acme("user", "password", "alice@example.com", "--password-stdin", stdin="another one 8")
    assert Subscriber.objects.get().ha1_md5 == _md5("alice:example.com:another one 8")


def test_disable_enable_delete(acme: Fedsip) -> None:
    acme("user", "add", "alice@example.com", "--generate")
    assert acme("user", "disable", "sip:alice@example.com", "--json").json["enabled"] is False
    assert acme("user", "enable", "alice@EXAMPLE.com", "--json").json["enabled"] is True
    assert acme("user", "delete", "alice@example.com", "--yes").code == 0
    assert not Subscriber.objects.exists()


def test_list_of_one_domain(acme: Fedsip) -> None:
    acme("domain", "add", "two.example", "--tenant", "acme")
    acme("user", "add", "alice@example.com", "--generate")
    acme("user", "add", "bob@two.example", "--generate", "--display-name", "Bob")
    [row] = acme("user", "list", "--domain", "two.example", "--json").json
    assert (row["aor"], row["display_name"]) == ("bob@two.example", "Bob")


def test_many_from_a_file(acme: Fedsip, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    good = "address,password,display_name\nann@example.com,a good password,Ann\n"
    file.write_text(good + "bob@elsewhere.example,a good password,\n")
    refused = acme("user", "load", str(file), "--atomic")
    assert refused.complained.splitlines() == [
        "row 2: address: There is no such domain that you may use.",
        "fedsip: nothing was changed: 1 rows are refused.",
    ]
    assert acme("user", "list", "--json").json == []
    loaded = acme("user", "load", str(file), "--json")
    assert loaded.json == {"created": 1, "changed": 0, "unchanged": 0, "refused": 1}
    assert acme("user", "load", str(file)).said == "0 created, 0 changed, 1 unchanged, 1 refused.\n"
    assert acme("user", "load", str(tmp_path / "none.csv")).code == 1


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        (("add", "alice"), "", "alice is no address; it must look like alice@example.com."),
        (("add", "alice@exampel.com"), "", "there is no domain exampel.com here; did you mean"),
        (("add", "carol@example.com"), "", "This user exists already."),
        (("add", "a b@example.com"), "", "Use letters, digits and"),
        (("add", "d@example.com", "--password-stdin"), "", "there was no password on standard"),
        (("add", "d@example.com", "--password-stdin"), "short\n", "Use 8 to 128 characters."),
        (("disable", "carl@example.com"), "", "there is no user carl in example.com; did you"),
        (("delete", "carol@example.com"), "", "Delete carol@example.com? Say --yes to do it."),
    ],
)
def test_errors_are_sentences(
    acme: Fedsip, words: tuple[str, ...], stdin: str, sentence: str
) -> None:
    acme("user", "add", "carol@example.com", "--generate")
    outcome = acme("user", *words, stdin=stdin)
    assert outcome.complained.startswith(f"fedsip: {sentence}")
    assert outcome.complained.count("\n") == 1
    assert (outcome.said, outcome.code) == ("", 1)
