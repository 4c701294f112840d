"""Calls reach PostgreSQL: live ones, ended ones, by way of the disk when it was away."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from proxy.observe.call import Call, Dialog
from proxy.observe.journal import Journal
from proxy.observe.media_report import streams_of, verdict_of
from proxy.observe.records import Records
from proxy.observe.spool import Spool
from proxy.observe.text import as_text

pytestmark = pytest.mark.db

NOWHERE = "postgresql://x@/y?host=/nonexistent"
NOW = 1.8e9
DIALOG = Dialog(b"<sip:a@x>;tag=1", b"<sip:b@x>;tag=2", b"<sip:a@1>", b"<sip:b@2>", (b"<sip:r>",))


def call(number: int, **changes: Any) -> Call:
    """A call that rings."""
    made = Call(
        f"{number:032x}", b"call-%04d" % number, None, None, b"", b"sip:a@x", b"sip:b@x",
        b"sip:b@x", b"sip:b@x", NOW, b"phone", None,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def end(call: Call, **changes: Any) -> Call:
    """The same call when it was refused."""
    call.ended_at, call.status, call.reason, call.ended_by = NOW + 5, 486, b"Busy Here", "callee"
    for name, value in changes.items():
        setattr(call, name, value)
    return call


def records(url: str, folder: Path, **how: Any) -> Records:
    spool = Spool(folder / "calls.jsonl", most_bytes=how.pop("most_bytes", 1_000_000))
    journal = Journal(folder / "ended.jsonl", most_bytes=1_000_000)
    return Records(url, spool, journal, node_id="n1", **how)


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


ENDED = "SELECT call_id, status, reason FROM proxy_call ORDER BY call_id"
LIVE = "SELECT call_id, answered_at IS NOT NULL FROM proxy_live_call ORDER BY call_id"


async def test_many_in_batches(fresh_url: str, tmp_path: Path) -> None:
    waiting = records(fresh_url, tmp_path)
    for number in range(1500):
        waiting.ended(end(call(number)))
    await waiting.write()
    assert not len(waiting)
    rows = ask(fresh_url, ENDED)
    assert len(rows) == 1500
    assert rows[0] == ("call-0000", 486, "Busy Here")
    await waiting.close()


async def test_a_call_from_ringing_to_its_record(fresh_url: str, tmp_path: Path) -> None:
    waiting, one = records(fresh_url, tmp_path), call(1)
    waiting.changed(one)
    await waiting.write()
    assert ask(fresh_url, LIVE) == [("call-0001", False)]
    one.answered_at, one.dialog, one.hop = NOW + 1, DIALOG, "udp 192.0.2.20:5060"
    hops = [{"address": one.hop, "leads": ['b.test TXT "x"'], "outcome": "answered"}]
    one.hops = json.dumps(hops)
    one.policies = "media=nat"
    waiting.changed(one)
    await waiting.write()
    assert ask(fresh_url, LIVE) == [("call-0001", True)]
    (again,) = await waiting.open_calls()
    assert (json.loads(again.hops), again.policies) == (hops, "media=nat")
    streams = [{"sender": "caller", "packets": 5, "mos": 4.1, "codec": "PCMU"}]
    streams.append({"sender": "callee", "packets": 5, "mos": 3.9, "codec": "PCMU"})
    waiting.ended(
        end(one, status=200, media=streams, verdict=["loss_callee"], verdict_text=["7 %"])
    )
    await waiting.write()
    assert ask(fresh_url, LIVE) == []
    [row] = ask(
        fresh_url,
        "SELECT public_id, hop, codec, mos, media, verdict, verdict_text, hops,"
        " policies FROM proxy_call",
    )
    assert (row[0].hex, *row[1:4]) == (one.public_id, "udp 192.0.2.20:5060", "PCMU", 3.9)
    assert row[4:] == (streams, ["loss_callee"], ["7 %"], hops, "media=nat")
    await waiting.close()


async def test_a_short_call_never_lives(fresh_url: str, tmp_path: Path) -> None:
    waiting, one = records(fresh_url, tmp_path), call(1)
    waiting.changed(one)
    waiting.ended(end(one))
    await waiting.write()
    assert ask(fresh_url, LIVE) == []
    assert not one.is_written
    assert len(ask(fresh_url, ENDED)) == 1
    await waiting.close()


async def test_live_calls_may_be_switched_off(fresh_url: str, tmp_path: Path) -> None:
    waiting, one = records(fresh_url, tmp_path, shows_live=False), call(1)
    waiting.changed(one)
    await waiting.write()
    assert ask(fresh_url, LIVE) == []
    await waiting.close()


async def test_one_that_is_refused_costs_no_other(fresh_url: str, tmp_path: Path) -> None:
    waiting = records(fresh_url, tmp_path)
    waiting.ended(end(call(1)))
    waiting.ended(end(call(2), status=2**40))
    waiting.ended(end(call(3, caller=b"nul\0 and \xff" + b"x" * 5000)))
    await waiting.write()
    assert [row[0] for row in ask(fresh_url, ENDED)] == ["call-0001", "call-0003"]
    assert (len(waiting), waiting.lost) == (0, 1)
    await waiting.close()


async def test_what_a_phone_writes_costs_no_call_its_record(fresh_url: str, tmp_path: Path) -> None:
    """A quoted name may have a NUL (RFC 3261 s25.1), and SDP is whatever its writer likes."""
    waiting = records(fresh_url, tmp_path)
    named = replace(DIALOG, from_=b'"a\\\0" <sip:a@x>;tag=1', record_routes=(b"<sip:\0>", b"\xff"))
    waiting.changed(one := call(1, answered_at=NOW + 1, dialog=named))
    await waiting.write()
    [found] = await records(fresh_url, tmp_path).open_calls()
    assert (found.call_id, found.from_tag) == (b"call-0001", b"1")
    report = {b"tags": {b"1": {b"medias": [{b"type": b"au\0dio", b"codec": b"PC\0M\xffU/8000",
              b"streams": [{b"flags": [b"RTP"]}]}]}}, b"verdict": [b"\0"]}  # fmt: skip
    streams = streams_of(report, caller_tag=b"1")
    waiting.ended(end(one, status=200, media=streams, verdict=verdict_of(report)))
    await waiting.write()
    assert (ask(fresh_url, LIVE), waiting.lost) == ([], 0)
    assert ask(fresh_url, "SELECT codec FROM proxy_call") == [("PCM\N{REPLACEMENT CHARACTER}U",)]
    await waiting.close()


async def test_nothing_is_lost_while_postgresql_is_away(fresh_url: str, tmp_path: Path) -> None:
    away = records(NOWHERE, tmp_path)
    first, second = call(1), call(2)
    away.changed(first)
    away.changed(second)
    with pytest.raises(psycopg.OperationalError):
        await away.write()
    away.keep()
    away.ended(end(first))
    await away.close()  # the process ends while PostgreSQL is still away
    assert not len(away)
    back = records(fresh_url, tmp_path)
    await back.write()
    assert ask(fresh_url, ENDED) == [("call-0001", 486, "Busy Here")]
    assert ask(fresh_url, LIVE) == [("call-0002", False)]
    assert not (tmp_path / "calls.jsonl").exists()
    await back.close()


async def test_what_was_written_already_is_not_written_twice(
    fresh_url: str, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "calls.jsonl", most_bytes=1_000_000)
    batch = {"calls": [end(call(1)).record("n1")], "gone": [call(1).public_id]}
    for _ in range(2):  # as when a kill came between writing and forgetting
        assert spool.append(batch)
    waiting = records(fresh_url, tmp_path)
    await waiting.write()
    assert len(ask(fresh_url, ENDED)) == 1
    await waiting.close()


async def test_a_full_disk_leaves_them_in_memory(tmp_path: Path) -> None:
    waiting = records(NOWHERE, tmp_path, most_bytes=10)
    waiting.ended(end(call(1)))
    waiting.keep()
    assert len(waiting) == 1
    await waiting.close()


async def test_beyond_disk_and_memory_the_oldest_are_lost_and_that_is_said(
    fresh_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One record fits on the disk, three in memory; of six, two are lost."""
    sockets = tmp_path / "s"
    waiting = records(
        make_conninfo(fresh_url, host=str(sockets)), tmp_path, most_bytes=900, most_waiting=3
    )
    for number in range(1, 7):
        waiting.ended(end(call(number)))
        waiting.keep()
    assert (len(waiting), waiting.lost) == (3, 2)
    sockets.symlink_to(str(conninfo_to_dict(fresh_url)["host"]))  # PostgreSQL is back
    await waiting.write()
    kept = [call_id for call_id, _, _ in ask(fresh_url, ENDED)]
    assert kept == ["call-0001", "call-0004", "call-0005", "call-0006"]
    assert [line.getMessage() for line in caplog.records if line.levelname == "ERROR"] == [
        "spool is full, call records wait in memory count=1",
        "disk and memory are full, the oldest call records are lost",
        "call records are written again, lost since the start count=2",
    ]
    await waiting.close()


async def test_a_node_finds_its_own_open_calls(fresh_url: str, tmp_path: Path) -> None:
    earlier = records(fresh_url, tmp_path)
    earlier.changed(call(1))
    earlier.changed(call(2, answered_at=NOW + 1, dialog=DIALOG, relay_id=b"r1", rule_id=7))
    await earlier.write()
    await earlier.close()
    later = records(fresh_url, tmp_path)
    found = {one.call_id: one for one in await later.open_calls()}
    assert found[b"call-0001"].answered_at is None
    answered = found[b"call-0002"]
    assert (answered.answered_at, answered.relay_id, answered.rule_id) == (NOW + 1, b"r1", 7)
    assert (answered.dialog, answered.from_tag, answered.is_written) == (DIALOG, b"1", True)
    assert answered.public_id == call(2).public_id
    await later.close()


async def test_a_kill_loses_no_call_that_ended(fresh_url: str, tmp_path: Path) -> None:
    """Neither a short one, nor the end of a long one, nor one that waits for its relay's words."""
    killed = records(fresh_url, tmp_path)
    long = call(1, answered_at=NOW + 1, dialog=DIALOG)
    killed.changed(long)
    await killed.write()
    killed.ended(end(long, status=200, reason=b"BYE"))
    killed.changed(short := call(2))
    killed.ended(end(short))
    killed.ending(end(call(3), status=200, reason=b"BYE"))
    later = records(fresh_url, tmp_path)
    assert await later.open_calls() == []
    bye = (200, "BYE")
    assert ask(fresh_url, ENDED) == [
        ("call-0001", *bye), ("call-0002", 486, "Busy Here"), ("call-0003", *bye),
    ]  # fmt: skip
    await later.write()
    await later.close()
    assert not (tmp_path / "ended.jsonl").exists()


async def test_a_kill_loses_no_call_that_goes_on(fresh_url: str, tmp_path: Path) -> None:
    """Neither one that has just begun, nor that another has just been answered."""
    killed = records(fresh_url, tmp_path)
    killed.changed(call(1))
    killed.changed(answered := call(2))
    await killed.write()
    killed.changed(call(3))
    answered.ringing_at, answered.answered_at, answered.dialog = NOW + 1, NOW + 2, DIALOG
    killed.changed(answered)
    found = {one.call_id: one for one in await records(fresh_url, tmp_path).open_calls()}
    assert {name: one.answered_at for name, one in found.items()} == {
        b"call-0001": None, b"call-0002": NOW + 2, b"call-0003": None,
    }  # fmt: skip
    assert found[b"call-0002"].dialog == DIALOG


async def test_a_journal_that_is_older_than_the_rows_takes_nothing_back(
    fresh_url: str, tmp_path: Path
) -> None:
    """A kill between what is written and what is forgotten of it."""
    killed = records(fresh_url, tmp_path)
    for one in (ringing := call(1), answered := call(2), ended := call(3)):
        killed.changed(one)
    ringing.ringing_at, answered.answered_at = NOW + 1, NOW + 2
    for one in (ringing, answered):
        killed.changed(one)
    killed.ended(end(ended))
    noted = (tmp_path / "ended.jsonl").read_bytes()
    await killed.write()
    (tmp_path / "ended.jsonl").write_bytes(noted)
    found = await records(fresh_url, tmp_path).open_calls()
    assert {one.call_id: (one.ringing_at, one.answered_at) for one in found} == {
        b"call-0001": (NOW + 1, None), b"call-0002": (None, NOW + 2),
    }  # fmt: skip
    assert ask(fresh_url, ENDED) == [("call-0003", 486, "Busy Here")]
    await killed.close()


async def test_a_stop_before_the_journal_was_read_keeps_it(fresh_url: str, tmp_path: Path) -> None:
    """The proxy was killed, and stopped again before PostgreSQL was back."""
    records(NOWHERE, tmp_path).ended(end(call(1)))
    away = records(NOWHERE, tmp_path)
    away.ended(end(call(2)))
    await away.close()
    back = records(fresh_url, tmp_path)
    assert await back.open_calls() == []
    assert [row[0] for row in ask(fresh_url, ENDED)] == ["call-0001", "call-0002"]
    await back.close()


async def test_a_bye_elsewhere_ends_a_call_that_was_answered(
    fresh_url: str, tmp_path: Path
) -> None:
    dead = records(fresh_url, tmp_path)
    dead.changed(call(1, answered_at=NOW + 1))
    dead.changed(call(2))
    await dead.write()
    await dead.close()
    other = records(fresh_url, tmp_path)
    for number in (1, 2, 3):
        other.ended_elsewhere(
            f"call-{number:04}", [], ended_at="2027-01-15T08:00:30+00:00", ended_by="caller"
        )
    await other.write()
    assert ask(fresh_url, LIVE) == [("call-0002", False)]
    [row] = ask(fresh_url, "SELECT public_id, status, reason, ended_by FROM proxy_call")
    assert (row[0].hex, *row[1:]) == (call(1).public_id, 200, "BYE", "caller")
    await other.close()


@pytest.mark.parametrize(
    ("tags", "left"),
    [(["a", "b1"], [3, 4]), (["b2", "a"], [2, 4]), (["a", "b9"], [2, 3, 4]), ([], [4])],
)
async def test_a_bye_elsewhere_ends_the_call_that_has_its_tags(
    fresh_url: str, tmp_path: Path, tags: list[str], left: list[int]
) -> None:
    """Two are of one Call-ID; without tags it is of both."""
    dead = records(fresh_url, tmp_path)
    for number, tag in ((2, b"b1"), (3, b"b2")):
        one = call(number, answered_at=NOW + 1)
        one.call_id = b"shared"
        one.dialog = Dialog(b"<sip:a@x>;tag=a", b"<sip:b@x>;tag=" + tag, b"<sip:a>", b"<sip:b>", ())
        dead.changed(one)
    dead.changed(call(4, answered_at=NOW + 1))
    await dead.write()
    await dead.close()
    other = records(fresh_url, tmp_path)
    other.ended_elsewhere("shared", tags, ended_at="2027-01-15T08:00:30+00:00", ended_by="caller")
    await other.write()
    rows = ask(fresh_url, "SELECT public_id FROM proxy_live_call ORDER BY public_id")
    assert {row[0].hex for row in rows} == {call(number).public_id for number in left}
    await other.close()


def test_text_for_the_database_is_bounded_and_clean() -> None:
    assert as_text(b"a\0b\xff") == "ab\N{REPLACEMENT CHARACTER}"
    assert len(as_text(b"x" * 10_000)) == 500
