"""Bindings in memory: lookups, replacing, dropping, expiry; and when a commit is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from random import Random

import pytest

from proxy.location.model import Binding
from proxy.location.rules import Outcome
from proxy.location.store import Bindings, NotDurable
from proxy.sip.uri import Aor
from tests.harness.registrations import ALICE, WALL, binding

BOB = Aor(b"bob@example.com")
ONE = binding(b"sip:alice@192.0.2.1")
TWO = binding(b"sip:alice@192.0.2.2")
THREE = binding(b"sip:alice@192.0.2.3")


class Writer:
    """Notes what it is given; a commit is done when the test says so."""

    def __init__(self) -> None:
        self.refreshed: list[Binding] = []
        self.dropped: list[Binding] = []
        self.commits: list[asyncio.Future[None]] = []

    def refresh(self, bindings: Iterable[Binding]) -> None:
        self.refreshed += bindings

    def drop(self, bindings: Iterable[Binding]) -> None:
        self.dropped += bindings

    def commit(self, written: list[Binding], removed: list[Binding]) -> Awaitable[None]:
        self.commits.append(asyncio.get_running_loop().create_future())
        return self.commits[-1]


def test_best_first() -> None:
    bindings = Bindings()
    worst = replace(ONE, q=100)
    older = replace(TWO, registered_at=WALL - 5)
    for one in (worst, older, THREE):
        bindings.put(one)
    assert bindings.lookup(ALICE, wall=WALL) == [THREE, older, worst]
    assert bindings.lookup(BOB, wall=WALL) == []
    assert len(bindings) == 3
    assert set(bindings) == {worst, older, THREE}


def test_put_replaces() -> None:
    bindings = Bindings()
    bindings.put(ONE)
    again = replace(ONE, cseq=2)
    bindings.put(again)
    assert bindings.lookup(ALICE, wall=WALL) == [again]
    bindings.put(TWO)
    bindings.put(ONE)
    assert len(bindings) == 2
    assert bindings.get(ALICE, ONE.binding_id) == ONE
    assert bindings.get(ALICE, THREE.binding_id) is None
    assert bindings.get(BOB, ONE.binding_id) is None


def test_forget() -> None:
    gone: list[Binding] = []
    bindings = Bindings(on_removed=gone.append)
    for one in (ONE, TWO, THREE):
        bindings.put(one)
    assert bindings.forget(ALICE, TWO.binding_id) == TWO
    assert bindings.forget(ALICE, TWO.binding_id) is None
    assert bindings.forget(BOB, ONE.binding_id) is None
    assert bindings.lookup(ALICE, wall=WALL) == [ONE, THREE]
    bindings.forget(ALICE, ONE.binding_id)
    bindings.forget(ALICE, THREE.binding_id)
    assert gone == [TWO, ONE, THREE]
    assert len(bindings) == 0
    assert list(bindings) == []


def test_another_flow_takes_the_place_of_the_old_one() -> None:
    gone: list[Binding] = []
    bindings = Bindings(on_removed=gone.append)
    old = replace(ONE, flow_token=b"old", protocol="tcp")
    bindings.put(old)
    bindings.put(replace(old, cseq=2))
    assert gone == []
    new = replace(old, flow_token=b"new", cseq=3)
    bindings.put(new)
    assert [one.flow_token for one in gone] == [b"old"]
    assert bindings.drop([new.binding_id]) == [new]


def test_what_has_expired_is_not_found() -> None:
    bindings = Bindings()
    bindings.put(ONE)
    assert bindings.lookup(ALICE, wall=WALL + 3599.9) == [ONE]
    assert bindings.lookup(ALICE, wall=WALL + 3600) == []
    bindings.put(replace(TWO, expires_at=WALL + 7200))
    assert len(bindings.lookup(ALICE, wall=WALL + 3600)) == 1


def test_sweep() -> None:
    gone: list[Binding] = []
    bindings = Bindings(on_removed=gone.append)
    brief = replace(TWO, expires_at=WALL + 60)
    bindings.put(ONE)
    bindings.put(brief)
    assert bindings.sweep(wall=WALL + 59) == []
    assert bindings.sweep(wall=WALL + 68) == [brief]
    assert bindings.sweep(wall=WALL + 3599) == []
    refreshed = replace(ONE, expires_at=WALL + 7200)
    bindings.put(refreshed)
    assert bindings.sweep(wall=WALL + 3700) == []
    assert bindings.sweep(wall=WALL + 7210) == [refreshed]
    assert gone == [brief, refreshed]
    assert len(bindings) == 0


def test_a_shortened_binding_is_swept_in_time() -> None:
    bindings = Bindings()
    bindings.put(ONE)
    brief = replace(ONE, expires_at=WALL + 60)
    bindings.put(brief)
    assert bindings.sweep(wall=WALL + 68) == [brief]
    assert bindings.sweep(wall=WALL + 4000) == []


def test_nothing_stays_for_ever() -> None:
    """Whatever comes in whatever order, all is forgotten soon after its end."""
    random = Random(7)
    bindings = Bindings()
    wall = WALL
    live: dict[str, Binding] = {}
    for _ in range(3000):
        wall += random.random() * 20
        aor = Aor(b"u%d@example.com" % random.randrange(20))
        contact = b"sip:u@192.0.2.%d" % random.randrange(3)
        made = binding(contact, aor=aor, expires_at=wall + random.choice([60, 600, 3600]))
        bindings.put(made)
        live[made.binding_id] = made
        if random.random() < 0.2:
            gone = random.choice(list(live.values()))
            bindings.forget(gone.aor, gone.binding_id)
            del live[gone.binding_id]
        for expired in bindings.sweep(wall=wall):
            assert live.pop(expired.binding_id) == expired
            assert expired.expires_at <= wall
        assert all(one.expires_at > wall - 8 for one in bindings)
        assert len(bindings) == len(live)
    bindings.sweep(wall=wall + 4000)
    assert len(bindings) == 0
    assert bindings._expiry == {}


async def test_a_refresh_is_in_force_at_once() -> None:
    writer = Writer()
    bindings = Bindings(writer)
    assert bindings.save(Outcome([ONE], written=[ONE])) is None
    assert bindings.lookup(ALICE, wall=WALL) == [ONE]
    assert writer.refreshed == [ONE]
    assert bindings.save(Outcome([ONE])) is None
    assert writer.refreshed == [ONE]


async def test_a_change_is_in_force_when_committed() -> None:
    writer = Writer()
    bindings = Bindings(writer)
    bindings.put(TWO)
    waiting = bindings.save(Outcome([ONE], written=[ONE], removed=[TWO], commit_needed=True))
    assert waiting is not None
    saving = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    assert bindings.lookup(ALICE, wall=WALL) == [TWO]
    unsettled = bindings.unsettled(ALICE)
    assert unsettled is not None
    assert bindings.unsettled(BOB) is None
    writer.commits[0].set_result(None)
    await unsettled
    assert bindings.lookup(ALICE, wall=WALL) == [ONE]
    assert bindings.unsettled(ALICE) is None
    await saving


async def test_a_change_that_is_not_committed_is_not_in_force() -> None:
    writer = Writer()
    bindings = Bindings(writer)
    waiting = bindings.save(Outcome([ONE], written=[ONE], commit_needed=True))
    assert waiting is not None
    saving = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    writer.commits[0].set_exception(NotDurable("away"))
    with pytest.raises(NotDurable):
        await saving
    assert bindings.lookup(ALICE, wall=WALL) == []
    assert bindings.unsettled(ALICE) is None


async def test_who_gives_up_waiting_harms_nobody_else() -> None:
    writer = Writer()
    bindings = Bindings(writer)
    waiting = bindings.save(Outcome([ONE], written=[ONE], commit_needed=True))
    assert waiting is not None
    saving = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    unsettled = bindings.unsettled(ALICE)
    assert unsettled is not None
    other = asyncio.ensure_future(unsettled)
    other.cancel()
    writer.commits[0].set_result(None)
    await saving
    assert bindings.lookup(ALICE, wall=WALL) == [ONE]


def test_a_closed_connection_takes_its_bindings() -> None:
    writer = Writer()
    bindings = Bindings(writer)
    on_connection = replace(ONE, flow_token=b"token", protocol="tls")
    bindings.put(on_connection)
    bindings.put(TWO)
    assert bindings.drop([on_connection.binding_id, "unknown"]) == [on_connection]
    assert bindings.drop([on_connection.binding_id]) == []
    assert bindings.lookup(ALICE, wall=WALL) == [TWO]
    assert writer.dropped == [on_connection]
    assert Bindings().drop(["unknown"]) == []
