"""Elements of an RTP header extension (RFC 8285): one is found, one is put in."""

from __future__ import annotations

from typing import Final

from media.rtp.packet import HEADER_BYTES, Buffer

MID: Final = b"urn:ietf:params:rtp-hdrext:sdes:mid"
MOST_NUMBER: Final = 14
"""Of an element in the one-byte form, as 16 octets are the most that it carries."""
MOST_OCTETS: Final = 16
_ONE_BYTE = 0xBEDE
_TWO_BYTES = 0x1000  # and four bits of the application's
_HAS_EXTENSION = 0x10


def find(packet: Buffer, number: int) -> bytes:
    """What the element of that number carries; b"" where there is none, or it is cut off."""
    at = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if not packet[0] & _HAS_EXTENSION or len(packet) < at + 4:
        return b""
    profile = packet[at] << 8 | packet[at + 1]
    end = at + 4 + 4 * (packet[at + 2] << 8 | packet[at + 3])
    is_long = profile & 0xFFF0 == _TWO_BYTES
    if end > len(packet) or not (is_long or profile == _ONE_BYTE):
        return b""
    at += 4
    while at < end:
        first = packet[at]
        at += 1
        if not first:
            continue  # padding
        if is_long:
            if at == end:
                return b""
            found, size = first, packet[at]
            at += 1
        else:
            found, size = first >> 4, (first & 0x0F) + 1
            if found > MOST_NUMBER:
                return b""  # "processing of the remaining elements MUST be stopped" (s4.2)
        if found == number:
            return bytes(packet[at : at + size]) if at + size <= end else b""
        at += size
    return b""


def put(packet: bytes, number: int, carried: bytes) -> bytes:
    """The packet with one more element, before those that it has; unchanged where it has an
    extension of another kind."""
    at = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    short = bytes((number << 4 | len(carried) - 1,)) + carried
    if not packet[0] & _HAS_EXTENSION:
        block = _padded(short)
        head = bytes((packet[0] | _HAS_EXTENSION,)) + packet[1:at]
        return head + _head(_ONE_BYTE, len(block)) + block + packet[at:]
    if len(packet) < at + 4:
        return packet
    profile = packet[at] << 8 | packet[at + 1]
    if profile == _ONE_BYTE:
        block = _padded(short)
    elif profile & 0xFFF0 == _TWO_BYTES:
        block = _padded(bytes((number, len(carried))) + carried)
    else:
        return packet
    size = 4 * (packet[at + 2] << 8 | packet[at + 3]) + len(block)
    if size > 4 * 0xFFFF:
        return packet
    return packet[:at] + _head(profile, size) + block + packet[at + 4 :]


def _head(profile: int, size: int) -> bytes:
    return profile.to_bytes(2, "big") + (size // 4).to_bytes(2, "big")


def _padded(element: bytes) -> bytes:
    return element + bytes(-len(element) % 4)
