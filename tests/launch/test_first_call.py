"""The README's first call: what `up --demo` prints is typed into two phones, and they talk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.harness import sound
from tests.harness.baresip import Account, Baresip
from tests.harness.processes import Program
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
HEARD = 0.9


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


def _hears(listener: Baresip, speaker: Baresip) -> None:
    wait_until(
        lambda: sound.likeness(speaker.played, listener.recording()) > HEARD,
        f"{listener.account.user} hears {speaker.account.user}",
    )


def test_the_printed_settings_make_two_phones_talk(
    folder: Path, environment: dict[str, str]
) -> None:
    settings = environment | {
        "FEDSIP_STATE_DIR": str(folder / "var"),
        "FEDSIP_SIP_PORT": "23140",
        "FEDSIP_SIP_TLS_PORT": "23141",
        "FEDSIP_WEB_PORT": "23142",
        "FEDSIP_MEDIA_NG": "127.0.0.1:23143",
        "FEDSIP_SIP_RELAYS": "127.0.0.1:23143",
        "FEDSIP_MEDIA_PORTS": "23150-23199",
    }
    command = [ROOT / "fedsip", "up", "--demo"]
    with Program(command, log=folder / "up.log", env=settings) as platform:
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
            _hears(bob, alice)
            _hears(alice, bob)
            alice.command("hangup")
            bob.closed()
        assert platform.stop(within=60) == 0
