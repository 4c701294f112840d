"""The servers of a zone asked themselves, by real questions to a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.locate.authorities import Authority, ask_authorities
from proxy.locate.rfc3263 import LocateError, Question
from tests.harness.dns_server import DnsServer, Zones

ZONE = """
    @          NS  away
    ns         A   127.0.0.1
    _sip._udp  SRV 10 0 5060 one
    one        A   192.0.2.1
    """
SRV = Question("SRV", "_sip._udp.example.com")


async def asked(
    name: str, *questions: Question, prepare: Callable[[Zones], None] = lambda zones: None
) -> list[Authority]:
    zones = Zones({"example.com": ZONE})
    prepare(zones)
    async with DnsServer(zones) as server:
        port = int(server.address.rpartition(":")[2])
        return await ask_authorities(name, questions, (server.address,), port=port)


async def test_each_server_says_what_it_has() -> None:
    missing = Question("TXT", "_fedsip-verify.example.com")
    away, ns = await asked("example.com", SRV, missing)
    assert (ns.server, ns.address) == ("ns.example.com", "127.0.0.1")
    assert ns.said == (("10 0 5060 one.example.com.",), ())
    assert (away.server, away.address) == ("away.example.com", "")
    assert [str(each) for each in away.said] == ["its name has no address"] * 2


async def test_a_name_below_is_in_the_zone_above() -> None:
    _, ns = await asked("sales.example.com", Question("A", "one.example.com"))
    assert ns.said == (("192.0.2.1",),)


async def test_refusals_are_told() -> None:
    def refuse(zones: Zones) -> None:
        zones.rcodes[SRV.name, "SRV"] = "REFUSED"

    _, ns = await asked("example.com", SRV, prepare=refuse)
    assert [str(each) for each in ns.said] == ["REFUSED"]


@pytest.mark.parametrize("name", ["elsewhere.test", "test"])
async def test_a_name_without_a_zone(name: str) -> None:
    with pytest.raises(LocateError):
        await asked(name, SRV)
