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
    extension of another kind, or is cut off."""
    at = rest = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    profile, words = _ONE_BYTE, 0
    if packet[0] & _HAS_EXTENSION:
        rest = at + 4
        profile = int.from_bytes(packet[at : at + 2], "big")
        words = int.from_bytes(packet[at + 2 : rest], "big")
    if len(packet) < rest:
        return packet
    if profile == _ONE_BYTE:
        element = bytes((number << 4 | len(carried) - 1,)) + carried
    elif profile & 0xFFF0 == _TWO_BYTES:
        element = bytes((number, len(carried))) + carried
    else:
        return packet
    element += bytes(-len(element) % 4)
    words += len(element) // 4
    if words > 0xFFFF:
        return packet
    head = bytes((packet[0] | _HAS_EXTENSION,)) + packet[1:at]
    return head + profile.to_bytes(2, "big") + words.to_bytes(2, "big") + element + packet[rest:]
