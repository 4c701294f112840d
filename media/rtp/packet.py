"""Fields of an RTP packet, read where they stand (RFC 3550 s5.1). No object is made of a packet."""

from __future__ import annotations

from media.rtp.errors import ParseError

Buffer = bytes | bytearray | memoryview

HEADER_BYTES = 12


def payload_type(packet: Buffer) -> int:
    return packet[1] & 0x7F


def sequence_number(packet: Buffer) -> int:
    return packet[2] << 8 | packet[3]


def rtp_timestamp(packet: Buffer) -> int:
    return int.from_bytes(packet[4:8], "big")


def ssrc(packet: Buffer) -> int:
    return int.from_bytes(packet[8:12], "big")


def payload_offset(packet: Buffer) -> int:
    """Where the payload begins, behind CSRCs and header extension; ParseError when cut off."""
    if len(packet) < HEADER_BYTES or packet[0] >> 6 != 2:
        raise ParseError("no RTP header")
    offset = HEADER_BYTES + 4 * (packet[0] & 0x0F)
    if packet[0] & 0x10:
        if len(packet) < offset + 4:
            raise ParseError("header extension is cut off")
        offset += 4 + 4 * (packet[offset + 2] << 8 | packet[offset + 3])
    if len(packet) < offset:
        raise ParseError("header is cut off")
    return offset


def build(
    *,
    payload_type: int,
    sequence_number: int,
    rtp_timestamp: int,
    ssrc: int,
    payload: bytes,
    marker: bool = False,
) -> bytes:
    """A plain packet without CSRCs, extension or padding."""
    return (
        bytes((0x80, (0x80 if marker else 0) | payload_type))
        + (sequence_number & 0xFFFF).to_bytes(2, "big")
        + (rtp_timestamp & 0xFFFFFFFF).to_bytes(4, "big")
        + ssrc.to_bytes(4, "big")
        + payload
    )
