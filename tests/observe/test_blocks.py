"""Blocks are shared by nodes, lifted by people, and failed sign-ins added up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from proxy.observe.blocks import Blocks
from proxy.routing.screen import Floods
from proxy.settings import ProxySettings
from tests.harness.database import Administrator, until

pytestmark = pytest.mark.db

HOST = "203.0.113.5"
NOWHERE = "postgresql://x@/y?host=/nonexistent"
WALL = 1_800_000_123.0


class Screen:
    """The list of a node, whose clock stands at 0."""

    def __init__(self) -> None:
        self.floods = Floods(ProxySettings())
        self.lift = self.floods.lift
        self.allow = self.floods.allow

    def block(self, host: str, *, seconds: float, is_manual: bool) -> None:
        self.floods.block(host, until=seconds, is_manual=is_manual)

    def ignores(self, host: str = HOST) -> bool:
        is_listed = host in self.floods.banned(now=0.0)
        return is_listed and not self.floods.is_trusted(host)


@pytest.fixture
def administrator(fresh_url: str) -> Iterator[Administrator]:
    administrator = Administrator(fresh_url)
    yield administrator
    administrator.close()


def node(url: str, screen: Screen, node_id: str = "n1") -> Blocks:
    return Blocks(url, screen, node_id=node_id, wall=lambda: WALL)


async def test_all_nodes_ignore_what_one_has_noticed_until_it_is_lifted(
    fresh_url: str, administrator: Administrator
) -> None:
    screens = [Screen(), Screen()]
    nodes = [node(fresh_url, screen, f"n{at}") for at, screen in enumerate(screens)]
    for each in nodes:
        each.start()
    nodes[0].noticed(HOST, "flood", "too much", seconds=1e9)
    for screen in screens:
        await until(
            screen.ignores, "both have read it, so that no reading from before the lift comes"
        )
    rows = "SELECT host(address), node_id, reason, evidence, hits FROM calls_blockedsource"
    assert administrator.ask(rows) == [(HOST, "n0", "flood", "too much", 1)]
    administrator.do("UPDATE calls_blockedsource SET lifted_at = now()")
    for screen in screens:
        await until(lambda screen=screen: not screen.ignores(), "it is lifted")  # type: ignore[misc]
    nodes[1].noticed(HOST, "scanner", "again", seconds=1e9)
    await until(screens[0].ignores, "it is blocked anew")
    assert administrator.ask(rows) == [(HOST, "n1", "scanner", "again", 2)]
    for each in nodes:
        await each.close()


async def test_a_node_that_starts_reads_what_is_in_force(
    fresh_url: str, administrator: Administrator
) -> None:
    add = (
        "INSERT INTO calls_blockedsource (address, reason, blocked_until, lifted_at)"
        " VALUES (%s, 'manual', now() + %s::interval, %s)"
    )
    administrator.do(add, "203.0.113.1", "1 h", None)
    administrator.do(add, "203.0.113.2", "-1 h", None)
    administrator.do(add, "203.0.113.3", "1 h", "2026-01-01")
    administrator.do(add, "2001:db8::5", "1 h", None)
    screen = Screen()
    blocks = node(fresh_url, screen)
    await blocks.read()
    assert sorted(screen.floods.banned(now=0.0)) == ["2001:db8::5", "203.0.113.1"]
    administrator.do("UPDATE calls_blockedsource SET blocked_until = now() - interval '1 s'")
    await blocks.read()
    assert screen.floods.banned(now=0.0) == []
    await blocks.close()


async def test_allowed_networks(fresh_url: str, administrator: Administrator) -> None:
    screen = Screen()
    blocks = node(fresh_url, screen)
    screen.block(HOST, seconds=1e9, is_manual=True)
    administrator.add("calls_allowedsource", network="203.0.113.0/24")
    await blocks.read()
    assert not screen.ignores()
    administrator.do("DELETE FROM calls_allowedsource")
    await blocks.read()
    assert screen.ignores()
    await blocks.close()


async def test_failed_sign_ins_are_added_up(fresh_url: str, administrator: Administrator) -> None:
    blocks = node(fresh_url, Screen())
    for agent in (b"one", b"two"):
        blocks.failed_sign_in(7, b"alice@example.com", HOST, agent)
    await blocks.write()
    blocks.failed_sign_in(7, b"alice@example.com", HOST, b"three")
    await blocks.write()
    rows = "SELECT domain_id, aor, attempts, user_agent, date_part('minute', hour)"
    expected: list[tuple[Any, ...]] = [(7, "alice@example.com", 3, "three", 0)]
    assert administrator.ask(f"{rows} FROM calls_failedsignin") == expected
    await blocks.close()


async def test_guessed_names_do_not_fill_the_memory(
    fresh_url: str, administrator: Administrator
) -> None:
    blocks = node(fresh_url, Screen())
    for number in range(10_050):
        blocks.failed_sign_in(7, b"u%d@example.com" % number, HOST, b"")
    await blocks.write()
    rest = "SELECT attempts FROM calls_failedsignin WHERE aor = ''"
    assert administrator.ask(rest) == [(50,)]
    await blocks.close()


async def test_they_wait_while_postgresql_is_away() -> None:
    blocks = node(NOWHERE, Screen())
    blocks.noticed(HOST, "flood", "", seconds=10)
    with pytest.raises(psycopg.OperationalError):
        await blocks.write()
    blocks.noticed(HOST, "flood", "", seconds=10)
    blocks.failed_sign_in(7, b"a@x", HOST, b"")
    with pytest.raises(psycopg.OperationalError):
        await blocks.write()
    assert list(blocks._noticed) == [HOST]
    await blocks.close()
