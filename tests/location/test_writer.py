"""What is written, when, and what stands against what another node wrote."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from proxy.location.model import Binding
from proxy.location.store import NotDurable
from proxy.location.writer import BindingWriter
from proxy.postgres import Snapshot
from proxy.sip.uri import Aor
from tests.harness.database import Administrator, until
from tests.harness.registrations import WALL, binding

pytestmark = pytest.mark.db

ONE = binding(flow_token=b"token-1")
TWO = binding(b"sip:alice@192.0.2.11:5060", flow_token=b"token-2")


@asynccontextmanager
async def writing(url: str, **settings: Any) -> AsyncIterator[BindingWriter]:
    writer = BindingWriter(url, **settings)
    writer.start()
    try:
        yield writer
    finally:
        await writer.close()


def rows(administrator: Administrator, columns: str) -> list[tuple[Any, ...]]:
    return administrator.ask(f"SELECT {columns} FROM proxy_binding ORDER BY contact")


async def test_a_change_is_there_when_it_is_confirmed(administrator: Administrator) -> None:
    full = replace(
        TWO,
        instance=b"urn:uuid:0001",
        reg_id=2,
        q=500,
        path=(b"<sip:192.0.2.50;lr>", b'"a, b" <sip:192.0.2.51;lr>'),
        nat=True,
        methods=b"INVITE, BYE",
    )
    async with writing(administrator.url) as writer:
        await writer.commit([ONE, full], [])
        assert rows(
            administrator,
            "binding_id, aor, domain_id, subscriber_id, contact, instance, reg_id, q, path, nat,"
            " methods, gruu, contact_key, extract(epoch FROM expires_at)::float8, deleted",
        ) == [
            (
                *(ONE.binding_id, "alice@example.com", 1, 7, "sip:alice@192.0.2.10:5060"),
                *(None, None, 1000, [], False, "", None, "sip:alice@192.0.2.10:5060"),
                *(WALL + 3600, False),
            ),
            (
                *(full.binding_id, "alice@example.com", 1, 7, "sip:alice@192.0.2.11:5060"),
                *("urn:uuid:0001", 2, 500),
                ["<sip:192.0.2.50;lr>", '"a, b" <sip:192.0.2.51;lr>'],
                *(True, "INVITE, BYE", "sip:alice@example.com;gr=urn:uuid:0001"),
                *("urn:uuid:0001;2", WALL + 3600, False),
            ),
        ]
        assert writer.committed == 1


async def test_removal_leaves_a_tombstone(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE, TWO], [])
        await writer.commit([], [ONE])
        assert rows(administrator, "deleted") == [(True,), (False,)]
        await writer.commit([replace(ONE, cseq=2)], [])
        assert rows(administrator, "deleted, cseq") == [(False, 2), (False, 1)]


async def test_replaced_by_another_key_in_one_commit(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        await writer.commit([TWO], [ONE])
        assert rows(administrator, "deleted") == [(True,), (False,)]


async def test_refreshes_are_written_without_waiting(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        writer.refresh([replace(ONE, cseq=2, expires_at=WALL + 7000)])
        writer.refresh([replace(ONE, cseq=3, expires_at=WALL + 8000, user_agent=b"Snom 2")])
        assert writer.spooled == 1
        await until(lambda: writer.spooled == 0, "it is written")
        assert rows(
            administrator, "cseq, extract(epoch FROM expires_at)::float8, user_agent, contact"
        ) == [(3, WALL + 8000, "Snom 2", ONE.contact.decode())]
        assert writer.committed == 2


async def test_many_changes_share_a_commit(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        many = [binding(b"sip:alice@192.0.2.11:%d" % port) for port in range(1, 300)]
        await asyncio.gather(*(writer.commit([one], []) for one in many))
        assert writer.committed <= 3
        assert len(rows(administrator, "1")) == 300


async def test_more_than_a_batch(administrator: Administrator) -> None:
    many = [binding(b"sip:alice@192.0.2.11:%d" % port) for port in range(1, 36)]
    async with writing(administrator.url, batch=10) as writer:
        await asyncio.gather(*(writer.commit([one], []) for one in many))
        writer.refresh([replace(one, cseq=5) for one in many])
        await until(lambda: writer.spooled == 0, "all is written")
        assert rows(administrator, "cseq") == [(5,)] * 35


async def test_one_bell_for_a_batch(administrator: Administrator) -> None:
    administrator.do("LISTEN fedsip_location")
    async with writing(administrator.url) as writer:
        await writer.commit([ONE, TWO], [])
        await writer.commit([replace(ONE, cseq=2)], [TWO])
        bells = administrator.connection.notifies(timeout=5, stop_after=2)
        pids = [bell.pid for bell in bells]
        assert pids == [writer.backend_pid] * 2
        assert list(administrator.connection.notifies(timeout=0)) == []


# -- against other nodes and administrators


@pytest.mark.parametrize(
    ("ours", "is_written"),
    [
        ({"cseq": 9}, False),
        ({"cseq": 10}, True),
        ({"cseq": 11}, True),
        ({"cseq": 1, "call_id": b"another"}, True),
    ],
)
async def test_a_change_against_a_later_one(
    administrator: Administrator, ours: dict[str, Any], is_written: bool
) -> None:
    theirs = replace(ONE, cseq=10, node_id=b"b", flow_token=b"theirs")
    mine = replace(ONE, **ours)
    async with writing(administrator.url) as other, writing(administrator.url) as writer:
        await other.commit([theirs], [])
        if is_written:
            await writer.commit([mine], [])
        else:
            with pytest.raises(NotDurable, match="later REGISTER"):
                await writer.commit([mine], [])
        assert rows(administrator, "node_id") == [("a" if is_written else "b",)]


async def test_a_refresh_loses_against_another_way(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        theirs = replace(ONE, node_id=b"b", flow_token=b"theirs", call_id=b"theirs")
        async with writing(administrator.url) as other:
            await other.commit([theirs], [])
        writer.refresh([replace(ONE, cseq=2)])
        await until(lambda: writer.spooled == 0, "it was tried")
        assert rows(administrator, "node_id, call_id") == [("b", "theirs")]


async def test_a_refresh_revives_nothing(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        administrator.do("UPDATE directory_subscriber SET enabled = false")  # signs him out
        writer.refresh([replace(ONE, cseq=2)])
        await until(lambda: writer.spooled == 0, "it was tried")
        assert rows(administrator, "deleted") == [(True,)]


@pytest.mark.parametrize("token", [b"token-1", b"moved on"])
async def test_a_dropped_flow(administrator: Administrator, token: bytes) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([replace(ONE, flow_token=token, call_id=b"any", cseq=99)], [])
        writer.drop([ONE])
        await until(lambda: writer.spooled == 0, "it was tried")
        assert rows(administrator, "deleted") == [(token == b"token-1",)]


async def test_what_the_server_lost_is_restored(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([TWO], [])
        writer.restore([ONE, replace(TWO, cseq=0, q=1)])
        await until(lambda: writer.spooled == 0, "it is written")
        assert rows(administrator, "q, deleted") == [(1000, False), (1000, False)]


# -- trouble


async def test_one_that_cannot_be_written_holds_up_no_other(
    administrator: Administrator, caplog: pytest.LogCaptureFixture
) -> None:
    too_long = binding(aor=Aor(b"".join(b"%05d" % n for n in range(4000)) + b"@example.com"))
    no_text = replace(TWO, call_id=b"\xff")
    async with writing(administrator.url) as writer:
        found = await asyncio.gather(
            writer.commit([too_long], []),
            writer.commit([no_text], []),
            writer.commit([ONE], []),
            return_exceptions=True,
        )
        assert [type(one) for one in found] == [NotDurable, NotDurable, type(None)]
        writer.refresh([no_text])
        await until(lambda: writer.spooled == 0, "it is given up")
        await writer.commit([TWO], [])
        assert len(rows(administrator, "1")) == 2
    assert sum("refused by PostgreSQL" in message for message in caplog.messages) == 3


async def test_a_cut_connection_is_made_again(administrator: Administrator) -> None:
    async with writing(administrator.url) as writer:
        await writer.commit([ONE], [])
        assert administrator.end_connections("fedsip proxy location writer") == 1
        await writer.commit([TWO], [])
        assert len(rows(administrator, "1")) == 2


async def test_what_waits_too_long_is_refused_and_not_written_later(
    administrator: Administrator,
) -> None:
    writer = BindingWriter(administrator.url, commit_wait=0.05)  # not started: nothing is written
    with pytest.raises(NotDurable, match="in time"):
        await writer.commit([ONE], [])
    writer.start()
    writer.refresh([TWO])
    await until(lambda: writer.spooled == 0, "the rest is written")
    assert rows(administrator, "1") == []
    await writer.close()


async def test_what_was_committed_too_late_is_left_to_the_feed(
    administrator: Administrator,
) -> None:
    async with writing(administrator.url, commit_wait=0.3) as writer:
        await writer.commit([TWO], [])
        assert list(writer.own.values()) == [{TWO.binding_id}]
        administrator.connection.autocommit = False
        administrator.do("LOCK TABLE location_binding IN SHARE MODE")
        with pytest.raises(NotDurable):
            await writer.commit([ONE], [])
        administrator.connection.commit()
        administrator.connection.autocommit = True
        await until(lambda: writer.committed == 2, "it is committed all the same")
        assert list(writer.own.values()) == [{TWO.binding_id}]


async def test_all_is_written_at_the_end(administrator: Administrator) -> None:
    writer = BindingWriter(administrator.url)
    writer.start()
    await writer.commit([ONE], [])
    writer.refresh([replace(ONE, cseq=2)])
    await writer.close()
    assert rows(administrator, "cseq") == [(2,)]


async def test_the_end_comes_without_postgresql(caplog: pytest.LogCaptureFixture) -> None:
    writer = BindingWriter("postgresql://nobody@/nothing?host=/nonexistent")
    writer.start()
    writer.refresh([ONE])
    await writer.close()
    assert "bindings not written at the end count=1" in caplog.messages


# -- which rows the feed is to pass over

SEEN = Snapshot("100:110:105", "now")


@pytest.mark.parametrize(
    ("mine", "theirs", "is_deleted", "outdated"),
    [
        ("refresh", {}, False, True),
        ("refresh", {"cseq": 2}, False, False),
        ("refresh", {"cseq": 2, "call_id": b"another"}, False, True),
        ("refresh", {"flow_token": b"theirs"}, False, False),
        ("refresh", {"node_id": b"b"}, False, False),
        ("refresh", {}, True, False),
        ("drop", {}, False, True),
        ("drop", {"cseq": 2}, False, True),
        ("drop", {"flow_token": b"theirs"}, False, False),
        ("nothing", {}, False, False),
    ],
)
def test_rows_older_than_what_waits(
    mine: str, theirs: dict[str, Any], is_deleted: bool, outdated: bool
) -> None:
    writer = BindingWriter("")
    if mine == "refresh":
        writer.refresh([ONE])
    elif mine == "drop":
        writer.drop([ONE])
    there: Binding = replace(ONE, **theirs)
    assert writer.outdates(there, SEEN, is_deleted=is_deleted) is outdated


@pytest.mark.parametrize(("xid", "outdated"), [(99, False), (105, True), (106, False), (110, True)])
def test_rows_older_than_what_we_committed(xid: int, outdated: bool) -> None:
    writer = BindingWriter("")
    writer.own[xid] = frozenset({ONE.binding_id})
    assert writer.outdates(ONE, SEEN, is_deleted=False) is outdated
    assert not writer.outdates(TWO, SEEN, is_deleted=False)
    writer.forget_own(SEEN)
    assert (xid in writer.own) is outdated
