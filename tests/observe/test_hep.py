"""HEPv3 packets, read back by a receiver that is written from the specification."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from proxy.observe.hep import hep_packet
from proxy.observe.hep_export import HepExport
from tests.harness.homer import understood

MESSAGE = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: c1\r\n\r\n"


def packet(payload: bytes = MESSAGE, **changes: Any) -> bytes:
    facts = {
        "source": ("192.0.2.1", 5060), "target": ("198.51.100.1", 5061), "is_reliable": False,
        "wall": 1.8e9 + 0.25, "agent_id": 7, "node": "a", "key": "", "call_id": b"c1",
    }  # fmt: skip
    return hep_packet(payload, **{**facts, **changes})


def test_ipv4_over_udp() -> None:
    assert understood(packet()) == {
        "family": socket.AF_INET, "protocol": 17, "source": "192.0.2.1", "target": "198.51.100.1",
        "source_port": 5060, "target_port": 5061, "seconds": 1_800_000_000,
        "microseconds": 250_000, "type": 1, "agent": 7, "correlation": b"c1", "node": b"a",
        "payload": MESSAGE,
    }  # fmt: skip


def test_ipv6_over_a_connection_with_a_key() -> None:
    ends = {"source": ("2001:db8::1", 1), "target": ("2001:db8::2", 2)}
    found = understood(packet(**ends, is_reliable=True, key="secret", call_id=b""))
    assert (found["family"], found["protocol"], found["key"]) == (10, 6, b"secret")
    assert (found["source"], found["target"]) == ("2001:db8::1", "2001:db8::2")
    assert "correlation" not in found


def test_a_packet_fits_a_datagram() -> None:
    found = understood(packet(b"x" * 70_000))
    assert 64_000 < len(found["payload"]) < 65_000


async def test_udp_collector() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.setblocking(False)
        export = HepExport(f"udp:127.0.0.1:{collector.getsockname()[1]}")
        await export.start()
        export.send(packet())
        received = await asyncio.wait_for(
            asyncio.get_running_loop().sock_recv(collector, 65536), 20
        )
        await export.close()
    assert understood(received)["payload"] == MESSAGE


async def test_udp_collector_whose_name_leads_nowhere_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node starts all the same."""
    from proxy.observe import hep_export

    monkeypatch.setattr(hep_export, "_RETRY_SECONDS", 0.05)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.setblocking(False)
        export = HepExport("udp:homer.invalid:9060")
        await export.start()
        export.send(packet())
        assert export.dropped == 1
        export._address = collector.getsockname()  # as its name server says later
        arrived = asyncio.create_task(asyncio.get_running_loop().sock_recv(collector, 65536))
        async with asyncio.timeout(20):
            while not arrived.done():
                export.send(packet())
                await asyncio.sleep(0.01)
        assert understood(await arrived)["payload"] == MESSAGE
        await export.close()


async def test_tcp_collector_that_comes_late(monkeypatch: pytest.MonkeyPatch) -> None:
    from proxy.observe import hep_export

    monkeypatch.setattr(hep_export, "_RETRY_SECONDS", 0.05)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    export = HepExport(f"tcp:127.0.0.1:{port}")
    await export.start()
    export.send(packet())
    assert export.dropped == 1
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(6)
        arrived.put_nowait(head + await reader.readexactly(int.from_bytes(head[4:]) - 6))
        writer.close()

    server = await asyncio.start_server(collect, "127.0.0.1", port)
    async with asyncio.timeout(20):
        while arrived.empty():
            export.send(packet())
            await asyncio.sleep(0.01)
    assert understood(arrived.get_nowait())["payload"] == MESSAGE
    await export.close()
    server.close()
