"""fedsip tenant"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_add_and_list(fedsip: Fedsip) -> None:
    made = fedsip("tenant", "add", "acme", "--name", "Acme Ltd")
    assert (made.said, made.code) == ("tenant acme is made.\n", 0)
    assert fedsip("tenant", "list", "--json").json == [
        {"slug": "acme", "name": "Acme Ltd", "enabled": True, "domains": 0}
    ]
    table = fedsip("tenant", "list").said.splitlines()
    assert table == ["TENANT  NAME      ENABLED  DOMAINS", "acme    Acme Ltd  on       0"]


def test_none_is_said(fedsip: Fedsip) -> None:
    assert fedsip("tenant", "list").said == "(none)\n"
    assert fedsip("tenant", "list", "--json").json == []


def test_disable_and_enable(acme: Fedsip) -> None:
    assert acme("tenant", "disable", "acme", "--json").json["enabled"] is False
    assert acme("tenant", "enable", "acme", "--json").json["enabled"] is True


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "Acme!"), "fedsip: Use lower-case letters, digits and hyphens"),
        (("disable", "acne"), "fedsip: there is no tenant acne; did you mean acme?"),
        (("disable", "zzz"), "fedsip: there is no tenant zzz."),
    ],
)
def test_errors_are_sentences(acme: Fedsip, words: tuple[str, ...], sentence: str) -> None:
    outcome = acme("tenant", *words)
    assert outcome.complained.startswith(sentence)
    assert outcome.complained.count("\n") == 1
    assert (outcome.said, outcome.code) == ("", 1)


def test_the_same_twice_is_refused(acme: Fedsip) -> None:
    assert acme("tenant", "add", "acme").code == 1
