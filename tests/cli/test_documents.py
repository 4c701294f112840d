"""The commands that the documents show, carried out one after the other as they stand there."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Fedsip
from tests.harness.dns_server import DnsThread, Zones

pytestmark = pytest.mark.db

DOCS = Path(__file__).resolve().parents[2] / "docs"
SHOWN = re.compile(r"^    \./fedsip (.+)$", re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    """Those of a page, without what a shell does with their input and output."""
    lines = SHOWN.findall((DOCS / page).read_text())
    return [shlex.split(re.split(" [<>] ", line)[0], comments=True) for line in lines]


@pytest.fixture(autouse=True)
def _dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    zones = Zones({"example.com": "@ A 192.0.2.1", "elsewhere.org": "@ A 192.0.2.2"})
    with DnsThread(zones) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield


def carry_out(fedsip: Fedsip, page: str) -> dict[str, str]:
    """What each command says, by the command; none is refused."""
    said = {}
    for words in commands(page):
        outcome = fedsip(*words, stdin="a long password\n")
        assert outcome.complained == "", f"{page}: {words}: {outcome.complained}"
        said[shlex.join(words)] = outcome.said
    return said


def test_first_steps(fedsip: Fedsip) -> None:
    said = carry_out(fedsip, "first-steps.md")
    assert "alice@example.com is made" in said["user add alice@example.com"]
    [(command, printed)] = [each for each in said.items() if each[0].startswith("dns ")]
    block = (DOCS / "first-steps.md").read_text().partition(command)[2].partition("\n\n")[2]
    shown = [line.removeprefix("    ") for line in block.partition("\n\n")[0].splitlines()]
    assert printed.splitlines() == shown


@pytest.mark.parametrize("page", ["rules.md", "trunks.md", "federation.md"])
def test_commands_of_a_page(acme: Fedsip, page: str) -> None:
    for name in ("alice", "bob"):
        assert acme("user", "add", f"{name}@example.com", "--generate").code == 0
    assert len(carry_out(acme, page)) >= 5


def test_moving(fedsip: Fedsip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect("opensips.sqlite")) as connection:
        connection.execute("CREATE TABLE domain (domain CHAR(64))")
        connection.execute("INSERT INTO domain VALUES ('example.com')")
        connection.commit()
    said = carry_out(fedsip, "moving-from-opensips.md")
    assert said["import opensips.sqlite --new-tenant acme"] == "1 of domain imported.\n"
    assert len(said) == 4
