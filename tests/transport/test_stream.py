"""One connection with a transport in memory: framing, pings, limits, ends."""

from __future__ import annotations

import asyncio
import socket

import pytest

from proxy.sip.errors import ParseError
from proxy.transport.flow import Flow, FlowFailed
from proxy.transport.stream import WRITE_LIMIT, Connection, Stream

from .peers import options


class Wire(asyncio.Transport):
    """What the connection writes to; `stuck` keeps all of it waiting."""

    def __init__(self, sock: socket.socket, *, has_peer: bool = True) -> None:
        super().__init__()
        self.sent = b""
        self.stuck = 0
        self.is_stuck = False
        self.state = "open"
        self._info = {
            "socket": sock,
            "sockname": ("192.0.2.1", 5060) if has_peer else None,
            "peername": ("2001:db8::7%eth0", 40000, 0, 2) if has_peer else None,
        }

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._info.get(name, default)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_stuck:
            self.stuck += len(data)
        else:
            self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.stuck

    def is_closing(self) -> bool:
        return self.state != "open"

    def close(self) -> None:
        self.state = "closed"

    def abort(self) -> None:
        self.state = "aborted"


class Layer:
    """The Owner: notes what it is told."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.has_room = True
        self.opened_flows: list[Flow] = []
        self.messages: list[bytes] = []
        self.errors: list[tuple[bytes, ParseError]] = []
        self.closed_ids: list[int] = []

    def clock(self) -> float:
        return self.now

    def opened(self, stream: Stream) -> bool:
        self.opened_flows.append(stream.flow)
        return self.has_room

    def message_came(self, data: bytes, stream: Stream) -> None:
        self.messages.append(data)

    def not_framed(self, data: bytes, error: ParseError, stream: Stream) -> None:
        self.errors.append((data, error))

    def closed(self, stream: Stream) -> None:
        self.closed_ids.append(stream.connection_id)


class Line:
    """A connection that is up."""

    def __init__(self, sock: socket.socket, *, max_message: int = 1000) -> None:
        self.layer = Layer()
        self.wire = Wire(sock)
        self.connection = Connection(
            self.layer,
            "tcp",
            7,
            max_message=max_message,
            is_outbound=False,
            clock=self.layer.clock,
        )
        self.connection.connection_made(self.wire)

    def expired(self, idle_seconds: float = 3600.0) -> bool:
        return self.connection.has_expired(idle_seconds=idle_seconds, now=self.layer.now)


@pytest.fixture
def sock() -> socket.socket:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        yield sock


@pytest.fixture
def line(sock: socket.socket) -> Line:
    return Line(sock)


def test_flow(line: Line) -> None:
    assert line.connection.flow == Flow("tcp", ("192.0.2.1", 5060), ("2001:db8::7", 40000), 7)
    assert line.layer.opened_flows == [line.connection.flow]


def test_tcp_keep_alive(line: Line, sock: socket.socket) -> None:
    """docs/behaviour.md s7."""
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert [
        sock.getsockopt(socket.IPPROTO_TCP, option)
        for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    ] == [15, 10, 5]


def test_no_room(sock: socket.socket) -> None:
    layer, wire = Layer(), Wire(sock)
    layer.has_room = False
    connection = Connection(layer, "tcp", 7, max_message=10, is_outbound=False, clock=layer.clock)
    connection.connection_made(wire)
    assert wire.state == "aborted"


def test_reset_before_it_was_looked_at(sock: socket.socket) -> None:
    layer, wire = Layer(), Wire(sock, has_peer=False)
    connection = Connection(layer, "tcp", 7, max_message=10, is_outbound=False, clock=layer.clock)
    connection.connection_made(wire)
    assert wire.state == "aborted"
    assert layer.opened_flows == []


def test_messages_pings_and_pongs(line: Line) -> None:
    line.connection.data_received(b"\r\n\r\n" + options("1") + options("2")[:50])
    line.connection.data_received(options("2")[50:] + b"\r\n")
    assert line.layer.messages == [options("1"), options("2")]
    assert line.wire.sent == b"\r\n"


@pytest.mark.parametrize("data", [b"\x16\x03\x01\x02", b"\0", b"\xff\xfe", b" x"])
def test_what_is_no_sip_is_hung_up_on(line: Line, data: bytes) -> None:
    line.connection.data_received(data)
    assert line.wire.state == "aborted"
    assert [error.status_hint for _, error in line.layer.errors] == [None]


def test_message_above_the_limit(line: Line) -> None:
    request = options(body=b"x" * 1000)
    line.connection.data_received(request)
    ((data, error),) = line.layer.errors
    assert request.startswith(data)
    assert error.status_hint == 413
    assert line.wire.state == "closed"  # what was answered still goes


def test_write(line: Line) -> None:
    line.connection.write(b"one")
    line.connection.write(b"two")
    assert line.wire.sent == b"onetwo"


def test_write_when_it_is_closing(line: Line) -> None:
    line.connection.close()
    with pytest.raises(FlowFailed):
        line.connection.write(b"x")
    line.connection.data_received(b"\r\n\r\n")
    assert line.wire.state == "aborted"


def test_write_before_it_is_up() -> None:
    layer = Layer()
    connection = Connection(layer, "tcp", 7, max_message=10, is_outbound=True, clock=layer.clock)
    with pytest.raises(FlowFailed):
        connection.write(b"x")
    connection.close()
    connection.abort()


def test_slow_reader(line: Line) -> None:
    line.wire.is_stuck = True
    line.connection.write(b"x" * WRITE_LIMIT)
    with pytest.raises(FlowFailed, match="does not read"):
        line.connection.write(b"x")
    assert line.wire.state == "aborted"


def test_pings(line: Line) -> None:
    connection = line.connection
    connection.ping()
    assert line.wire.sent == b"\r\n\r\n"
    assert not connection.is_unanswered()  # it may not know pings
    connection.data_received(b"\r\n")
    connection.ping()
    assert connection.is_unanswered()
    connection.data_received(options())
    assert not connection.is_unanswered()  # whatever comes is a sign of life


def test_line_end_that_nobody_asked_for_is_no_pong(line: Line) -> None:
    line.connection.data_received(b"\r\n")
    line.connection.ping()
    assert not line.connection.is_unanswered()


def test_idle(line: Line) -> None:
    line.layer.now += 3599
    assert not line.expired()
    line.layer.now += 1
    assert line.expired()
    line.connection.data_received(b"\r\n\r\n")
    assert not line.expired()


def test_message_that_does_not_end(line: Line) -> None:
    line.connection.data_received(options()[:20])
    for at in range(20, 50):
        line.layer.now += 1
        line.connection.data_received(options()[at : at + 1])
    assert line.expired()


def test_message_that_ends(line: Line) -> None:
    line.connection.data_received(options()[:20])
    line.layer.now += 29
    line.connection.data_received(options()[20:])
    line.layer.now += 29
    assert not line.expired()
    line.connection.data_received(options() + options()[:20])
    line.layer.now += 29
    assert not line.expired()
    line.layer.now += 1
    assert line.expired()


def test_end(line: Line) -> None:
    assert line.connection.eof_received() is False
    line.connection.connection_lost(None)
    assert line.layer.closed_ids == [7]
