"""fedsip alias load, forward load: many things from one file, all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from fedsip_platform.routing.models import Alias, Forward
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


@pytest.fixture
def users(acme: Fedsip) -> Fedsip:
    for name in ("alice", "bob"):
        assert acme("user", "add", f"{name}@example.com", "--generate").code == 0
    return acme


def test_aliases_are_made_and_changed(users: Fedsip, tmp_path: Path) -> None:
    file = tmp_path / "aliases.csv"
    file.write_text("alias,target,note\n1000@example.com,alice,front\n1001@example.com,bob,\n")
    assert [each["target"] for each in users("alias", "load", str(file), "--json").json] == [
        "alice@example.com", "bob@example.com",
    ]  # fmt: skip
    file.write_text("Alias,Target\n1000@example.com,bob\n")
    assert users("alias", "load", str(file)).code == 0
    assert Alias.objects.get(name="1000").target == "bob@example.com"


def test_one_bad_row_and_nothing_is_changed(users: Fedsip, tmp_path: Path) -> None:
    file = tmp_path / "aliases.csv"
    file.write_text("alias,target\n1000@example.com,alice\n1001@example.com,nobody\n")
    refused = users("alias", "load", str(file))
    assert refused.code == 1
    assert refused.complained.startswith("fedsip: row 2: ")
    assert refused.complained.endswith("Nothing was changed.\n")
    assert not Alias.objects.exists()


def test_forwards(users: Fedsip, tmp_path: Path) -> None:
    file = tmp_path / "forwards.csv"
    file.write_text("user,when,target,ring_seconds\nalice@example.com,no_answer,bob,15\n")
    assert users("forward", "load", str(file)).code == 0
    made = Forward.objects.get()
    assert (made.condition, made.target, made.ring_seconds) == (
        "no_answer", "bob@example.com", 15,
    )  # fmt: skip
    file.write_text("user,when,target,ring_seconds\nalice@example.com,no_answer,bob,soon\n")
    assert "ring_seconds is a number" in users("forward", "load", str(file)).complained


@pytest.mark.parametrize("text", ["", "a,b\n", "alias\n", "alias,target,more\n"])
def test_files_that_are_none(users: Fedsip, tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(text)
    assert "must name alias, target, note" in users("alias", "load", str(file)).complained
    assert "cannot be read" in users("alias", "load", str(tmp_path / "none")).complained
