"""Messages of one call in one value, as PostgreSQL keeps them: a frame for each. Pure.

    +------------+--------------+-----------+------------+-----------+---------+
    | at, 8, µs  | way, 1       | flow, 2   | size, 4    | length, 4 | message |
    | since 1970 | 0 in, 1 out  | which one | on the wire| kept      |         |
    +------------+--------------+-----------+------------+-----------+---------+

Integers are unsigned, in network order. The flows, which frames count from 0, are said once beside
the frames: a line for each, `udp 192.0.2.1:5060 198.51.100.7:5060`, our end before the far one.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

_HEAD: Final = Struct("!QBHII")


class PassedMessage(NamedTuple):
    """One message as it passed a node."""

    at: int
    """Microseconds since 1970."""
    is_sent: bool
    protocol: str
    local: str
    """Address and port, as `address_of` of text.py says them; so is `remote`."""
    remote: str
    size: int
    """Octets on the wire."""
    data: bytes
    """What was kept of them."""


def frame(data: bytes, *, at: int, is_sent: bool, flow: int, size: int) -> bytes:
    """One message, of which `data` is kept; `flow` is its place among the flows."""
    return _HEAD.pack(at, is_sent, flow, size, len(data)) + data


def flow_line(protocol: str, local: str, remote: str) -> str:
    """One flow; the lines are joined by newlines."""
    return f"{protocol} {local} {remote}"


def messages_in(frames: bytes, flows: str) -> Iterator[PassedMessage]:
    """All messages of a value in their order. Raises ValueError where it is cut short, or names a
    flow that is not there."""
    ends = [line.split(" ") for line in flows.split("\n")]
    position = 0
    while position < len(frames):
        if position + _HEAD.size > len(frames):
            raise ValueError("the head of a frame is cut short")
        at, way, flow, size, length = _HEAD.unpack_from(frames, position)
        position += _HEAD.size
        data = frames[position : position + length]
        if len(data) < length or flow >= len(ends) or len(ends[flow]) != 3:
            raise ValueError("a frame is cut short, or has no flow")
        protocol, local, remote = ends[flow]
        yield PassedMessage(at, way == 1, protocol, local, remote, size, data)
        position += length
