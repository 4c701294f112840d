"""The README's first call: what `up --demo` prints is typed into two phones, and they talk."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Account, Baresip
from tests.harness.processes import Program

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def _rows(said: str) -> dict[str, list[str]]:
    """The printed table: row title to its two cells."""
    table = said.partition("Type this into two phones:")[2]
    rows = re.findall(r"^  (\S.*?)  +(\S.*?)  +(\S.*?)$", table, re.MULTILINE)
    return {title: [first, second] for title, first, second in rows}


def _accounts(said: str) -> list[Account]:
    rows = _rows(said)
    proxies = [f"sip:{address};transport=udp" for address in rows["Outbound proxy"]]
    columns = (rows["User name"], rows["Domain (SIP server)"], rows["Password"], proxies)
    return [Account(*column) for column in zip(*columns, strict=True)]


def test_the_printed_settings_make_two_phones_talk(
    folder: Path, settings_from: Callable[[int], dict[str, str]]
) -> None:
    command = [ROOT / "fedsip", "up", "--demo"]
    with Program(command, log=folder / "up.log", env=settings_from(23140)) as platform:
        platform.awaits(r"Ctrl-C stops everything", within=120)
        first, second = _accounts(platform.text())
        host = first.proxy.removeprefix("sip:").partition(":")[0]
        with (
            Baresip(first, folder / "alice", seed=1, address=host, interface="") as alice,
            Baresip(second, folder / "bob", seed=2, address=host, interface="") as bob,
        ):
            alice.registers()
            bob.registers()
            alice.dials(second.user + "@" + second.domain)
            bob.accepts()
            alice.established()
            hears(bob, alice)
            hears(alice, bob)
            alice.command("hangup")
            bob.closed()
        assert platform.stop(within=60) == 0
