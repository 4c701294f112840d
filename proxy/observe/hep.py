"""HEPv3 (EEP): a SIP message with its addresses and time, as Homer collects it. Pure.

A packet is `HEP3`, its length, and chunks: vendor (0 for the generic ones), type, length, value.
"""

from __future__ import annotations

import struct
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

Address = tuple[str, int]

_SIP: Final = 1
_UDP, _TCP = 17, 6
_LONGEST: Final = 65_000


def hep_packet(
    payload: bytes,
    *,
    source: Address,
    target: Address,
    is_reliable: bool,
    wall: float,
    agent_id: int,
    node: str,
    key: str,
    call_id: bytes,
) -> bytes:
    """One message as one packet; one that is too long for a datagram is cut."""
    is_v6 = ":" in source[0]
    family = AF_INET6 if is_v6 else AF_INET
    microseconds = int(wall * 1_000_000)
    chunks = [
        _chunk(1, bytes((family,))),
        _chunk(2, bytes((_TCP if is_reliable else _UDP,))),
        _chunk(5 if is_v6 else 3, inet_pton(family, source[0])),
        _chunk(6 if is_v6 else 4, inet_pton(family, target[0])),
        _chunk(7, struct.pack("!H", source[1])),
        _chunk(8, struct.pack("!H", target[1])),
        _chunk(9, struct.pack("!I", microseconds // 1_000_000)),
        _chunk(10, struct.pack("!I", microseconds % 1_000_000)),
        _chunk(11, bytes((_SIP,))),
        _chunk(12, struct.pack("!I", agent_id)),
    ]
    if key:
        chunks.append(_chunk(14, key.encode()))
    if call_id:
        chunks.append(_chunk(17, call_id))
    chunks.append(_chunk(19, node.encode()))
    room = _LONGEST - sum(map(len, chunks))
    chunks.append(_chunk(15, payload[:room]))
    body = b"".join(chunks)
    return b"HEP3" + struct.pack("!H", len(body) + 6) + body


def _chunk(kind: int, value: bytes) -> bytes:
    return struct.pack("!HHH", 0, kind, len(value) + 6) + value
