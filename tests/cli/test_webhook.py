"""fedsip webhook"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db

URL = "https://hooks.example.org/fedsip"


def test_from_its_making_to_its_end(acme: Fedsip) -> None:
    made = acme("webhook", "add", URL, "call.ended", "--tenant", "acme", "--json").json
    key = made["id"]
    assert made["secret"]
    (listed,) = acme("webhook", "list", "--tenant", "acme", "--json").json
    assert (listed["url"], listed["events"], "secret" in listed) == (URL, ["call.ended"], False)
    words = ("enabled=off", "events=call.ended,domain.check_failed")
    changed = acme("webhook", "set", key, *words, "--json").json
    assert (changed["enabled"], len(changed["events"])) == (False, 2)
    assert acme("webhook", "test", key).said == f"a test is on its way to {URL}.\n"
    (told,) = acme("webhook", "deliveries", key, "--json").json
    assert (told["event"], told["state"]) == ("test", "waiting")
    assert acme("webhook", "retry", told["id"]).said == "it is tried again.\n"
    assert acme("webhook", "delete", key).said == f"{URL} is told no more.\n"
    assert acme("webhook", "list").said == "(none)\n"


def test_errors_are_sentences(acme: Fedsip) -> None:
    inwards = acme("webhook", "add", "https://127.0.0.1/", "call.ended", "--tenant", "acme")
    assert (inwards.code, inwards.complained.startswith("fedsip: ")) == (1, True)
    for words in (("test", "x"), ("retry", "x")):
        assert acme("webhook", *words).complained == "fedsip: x is no id.\n"
    unknown = acme("webhook", "test", "7b1ec3f2-5d7a-4f8d-8d8c-0d5f5a8f7f10")
    assert "there is no webhook" in unknown.complained
