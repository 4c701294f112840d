"""Whose messages are kept, how many, and how they stand in the database."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from proxy.observe.hep_export import HepExport
from proxy.observe.message_frames import PassedMessage, messages_in
from proxy.observe.trace import Owner, Trace, call_id_of
from proxy.server import Server
from proxy.settings import ProxySettings
from proxy.transport.flow import Flow
from tests.harness.builders import request
from tests.harness.database import Administrator, until
from tests.harness.homer import understood
from tests.harness.processes import free_port

FLOW = Flow("udp", ("198.51.100.1", 5060), ("192.0.2.10", 5062))
V6 = Flow("tls", ("2001:db8::1", 5061), ("2001:db8::2", 40000), 7)
OURS = Owner(1, 2)


class Wall:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1.8e9

    def __call__(self) -> float:
        return self.now


def trace(url: str, wall: Wall, **how: Any) -> Trace:
    facts: dict[str, Any] = {"per_second": 500, "most_bytes": 8192, "export": None}
    return Trace(url, node_id="n1", export_key="", wall=wall, **(facts | how))


def message(call_id: bytes, body: bytes = b"") -> bytes:
    return b"BYE sip:x SIP/2.0\r\nCall-ID: %b\r\n\r\n%b" % (call_id, body)


class Kept(NamedTuple):
    """A message as it was kept, and whose it is."""

    call_id: str
    passed: PassedMessage

    @property
    def text(self) -> str:
        return self.passed.data.decode()


def kept(url: str) -> list[Kept]:
    """All of them, by Call-ID and time."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT call_id, messages, flows FROM proxy_message ORDER BY call_id, at"
        ).fetchall()
    return [Kept(row[0], passed) for row in rows for passed in messages_in(row[1], row[2])]


def rows(url: str) -> list[tuple[Any, ...]]:
    """How many octets each row has, and how many flows, in the order of time."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT octet_length(messages), array_length(string_to_array(flows, E'\\n'), 1)"
            " FROM proxy_message ORDER BY at, octet_length(messages) DESC"
        ).fetchall()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (message(b"a@b"), b"a@b"),
        (b"BYE sip:x SIP/2.0\r\ni:c\r\n\r\n", b"c"),
        (b"BYE sip:x SIP/2.0\r\nCALL-ID :  d \r\n\r\n", b"d"),
        (b"BYE sip:x SIP/2.0\r\nFrom: a\r\n\r\ni: in the body", b""),
        (b"rubbish", b""),
        (b"\r\nCall-ID: cut", b""),
    ],
)
def test_call_ids(data: bytes, found: bytes) -> None:
    assert call_id_of(data) == found


@pytest.mark.db
async def test_messages_wait_until_their_call_is_known(fresh_url: str) -> None:
    wall = Wall()
    tracing = trace(fresh_url, wall)
    tracing.received(message(b"ours"), FLOW)
    tracing.received(message(b"nobody's"), FLOW)
    wall.now += 60  # the machine stood still
    await tracing.flush()
    assert kept(fresh_url) == []
    tracing.follow(b"ours", OURS)
    tracing.sent(message(b"ours", b"\0"), V6)
    wall.now += 1
    await tracing.flush()
    first, second = kept(fresh_url)
    text = message(b"ours").decode()
    assert first.passed == PassedMessage(
        1_800_000_060_000_000 - 60_000_000, False, "udp", "198.51.100.1:5060", "192.0.2.10:5062",
        len(text), text.encode(),
    )  # fmt: skip
    ends = ("tls", "[2001:db8::1]:5061", "[2001:db8::2]:40000")
    assert second.passed[1:5] == (True, *ends)
    assert second.passed.data == message(b"ours", b"\0")
    for _ in range(3):
        await tracing.flush()
    tracing.follow(b"nobody's", OURS)  # too late
    await tracing.flush()
    assert len(kept(fresh_url)) == 2
    await tracing.close()


@pytest.mark.db
async def test_what_strangers_send_does_not_fill_the_memory(fresh_url: str) -> None:
    """As many bytes as may wait, whatever they are of; those that are done make room."""
    data = message(b"nobody's", b"x" * 1000)
    tracing = trace(fresh_url, Wall(), most_waiting_bytes=10 * len(data))
    tracing.follow(b"ours", OURS)
    for _ in range(25):
        tracing.received(data, FLOW)
    assert tracing.lost == 15
    await tracing.flush()
    tracing.received(data, FLOW)  # nobody knows yet whose the others are
    assert tracing.lost == 16
    for _ in range(4):
        await tracing.flush()
    for _ in range(10):
        tracing.received(message(b"ours", b"x" * 1000), FLOW)
    assert tracing.lost == 16
    await tracing.flush()
    assert len(kept(fresh_url)) == 10
    tracing.received(data, FLOW)
    assert tracing.lost == 16
    await tracing.close()


@pytest.mark.db
async def test_only_our_side_of_a_call_with_another_tenant(fresh_url: str) -> None:
    tracing = trace(fresh_url, Wall())
    tracing.follow(b"c", Owner(1, 2, FLOW.remote))
    tracing.received(message(b"c"), FLOW)
    tracing.sent(message(b"c"), V6)
    await tracing.flush()
    assert [one.passed.protocol for one in kept(fresh_url)] == ["udp"]
    await tracing.close()


@pytest.mark.db
async def test_long_ones_are_cut_and_secrets_masked(fresh_url: str) -> None:
    tracing = trace(fresh_url, Wall(), most_bytes=100)
    tracing.follow(b"c", OURS)
    data = message(b"c", b"x" * 500)
    tracing.received(data, FLOW)
    tracing.received(b"A sip:x SIP/2.0\r\nCall-ID: c\r\nAuthorization: Basic czpw\r\n\r\n", FLOW)
    await tracing.flush()
    long, secret = kept(fresh_url)
    assert (long.passed.size, len(long.text)) == (len(data), 100)
    assert "czpw" not in secret.text
    await tracing.close()


async def test_a_collector_is_told_no_secrets() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
        homer.bind(("127.0.0.1", 0))
        homer.settimeout(20)
        export = HepExport(f"udp:127.0.0.1:{homer.getsockname()[1]}")
        tracing = trace("postgresql://x@/y?host=/nonexistent", Wall(), export=export)
        await export.start()
        tracing.sent(b"A sip:x SIP/2.0\r\nCall-ID: c\r\nAuthorization: Basic czpw\r\n\r\n", FLOW)
        await tracing.flush()
        packet = homer.recv(65536)
        await tracing.close()
    assert b"czpw" not in packet
    assert packet.endswith(b"\r\nCall-ID: c\r\nAuthorization: Basic (masked)\r\n\r\n")


@pytest.mark.db
async def test_messages_of_a_call_lie_together(fresh_url: str) -> None:
    """In one row for each turn, as long as half a page has room; their flows are said once."""
    wall = Wall()
    tracing = trace(fresh_url, wall)
    tracing.follow(b"c", OURS)
    tracing.follow(b"d", OURS)
    passed = []
    for number in range(12):
        wall.now += 0.01
        flow, data = (FLOW, V6)[number % 2], message(b"c", b"x" * 600)
        passed.append((int(wall.now * 1e6), data))
        (tracing.sent if number % 3 else tracing.received)(data, flow)
        tracing.received(message(b"d"), FLOW)
    await tracing.flush()
    tracing.sent(message(b"c", b"y" * 9000), V6)
    await tracing.flush()
    found = [one for one in kept(fresh_url) if one.call_id == "c"]
    assert [(one.passed.at, one.passed.data) for one in found[:12]] == passed
    assert [one.passed.is_sent for one in found[:12]] == [bool(n % 3) for n in range(12)]
    assert [one.passed.protocol for one in found[:12]] == ["udp", "tls"] * 6
    framed = 19 + len(message(b"c", b"x" * 600))
    of_d = 12 * (19 + len(message(b"d")))
    assert rows(fresh_url) == [
        (5 * framed, 2), (of_d, 1), (5 * framed, 2), (2 * framed, 2), (19 + 8192, 1)
    ]  # fmt: skip
    await tracing.close()


@pytest.mark.db
async def test_under_load_whole_calls_are_left_out(fresh_url: str) -> None:
    wall = Wall()
    tracing = trace(fresh_url, wall, per_second=10)
    tracing.follow(b"one", OURS)
    for _ in range(40):
        tracing.received(message(b"one"), FLOW)
    await tracing.flush()
    tracing.follow(b"two", OURS)
    tracing.received(message(b"two"), FLOW)
    tracing.received(message(b"one"), FLOW)
    await tracing.flush()
    assert {one.call_id for one in kept(fresh_url)} == {"one"}
    assert (len(kept(fresh_url)), tracing.skipped) == (41, 1)
    for _ in range(8):
        await tracing.flush()
    tracing.follow(b"two", OURS)
    assert tracing.skipped == 1
    await tracing.close()


async def test_they_wait_while_postgresql_is_away() -> None:
    tracing = trace("postgresql://x@/y?host=/nonexistent", Wall())
    tracing.follow(b"c", OURS)
    tracing.received(message(b"c"), FLOW)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            await tracing.flush()
    assert len(tracing._rows) == 1
    await tracing.close()


@pytest.mark.db
@pytest.mark.parametrize(
    ("node_keeps", "domain_keeps"), [(True, True), (False, True), (True, False)]
)
async def test_a_node_keeps_a_refused_call_and_tells_homer(
    node_keeps: bool, domain_keeps: bool, fresh_url: str, tmp_path: Path
) -> None:
    """With trace=off, its own or the domain's, it only tells."""
    keeps = node_keeps and domain_keeps
    administrator = Administrator(fresh_url)
    tenant = administrator.tenant()
    domain = administrator.domain(tenant, hide_users=False, trace=domain_keeps)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone,
    ):
        homer.bind(("127.0.0.1", 0))
        phone.bind(("127.0.0.1", 0))
        port = free_port()  # none that the kernel may give to somebody else meanwhile
        settings = ProxySettings(
            database_url=fresh_url,
            state_dir=tmp_path,
            cluster_key="5a" * 32,
            addresses=("127.0.0.1",),
            ipv6=False,
            tcp=False,
            tls=False,
            port=port,
            gateway=str(tmp_path / "gateway.sock"),
            trace=node_keeps,
            hep=f"udp:127.0.0.1:{homer.getsockname()[1]}",
        )
        server = Server(settings)
        await server.start()
        phone_port = phone.getsockname()[1]
        via = b"SIP/2.0/UDP 127.0.0.1:%d" % phone_port
        invite = request(
            b"INVITE", b"sip:nobody@example.com", via=via, from_uri=b"sip:x@elsewhere.org",
            call_id=b"traced",
        )  # fmt: skip
        from proxy.sip.codec import serialise

        phone.sendto(serialise(invite), ("127.0.0.1", port))
        record = "SELECT status FROM proxy_call"
        await until(lambda: administrator.ask(record) == [(404,)], "the call is recorded")
        await server.close()
        homer.settimeout(20)
        first = understood(homer.recv(65536))
        assert first["payload"].startswith(b"INVITE sip:nobody@example.com ")
        assert (first["correlation"], first["node"], first["protocol"]) == (b"traced", b"a", 17)
        assert (first["source_port"], first["target_port"]) == (phone_port, port)
        assert {first["source"], first["target"]} == {"127.0.0.1"}
    starts = [one.text.partition("\r\n")[0] for one in kept(fresh_url)]
    assert starts[:1] == (["INVITE sip:nobody@example.com SIP/2.0"] if keeps else [])
    answers = {start for start in starts if start.startswith("SIP/2.0 404")}
    assert answers == set(starts[-1:])  # sent again until the phone's ACK, which it never sends
    owners = administrator.ask("SELECT DISTINCT tenant_id, domain_id, node_id FROM proxy_message")
    assert owners == ([(tenant, domain, "a")] if keeps else [])
    administrator.close()
