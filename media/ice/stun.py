"""STUN messages as ICE uses them (RFC 8489, RFC 8445 s16): bytes to Message and back. Pure.

FINGERPRINT is checked by the parser, because a datagram that fails it is no STUN at all. Integrity
needs a key, which the message itself names: `has_integrity` checks it afterwards.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from media.ice.errors import ParseError

Address = tuple[str, int]

BINDING_REQUEST: Final = 0x0001
BINDING_INDICATION: Final = 0x0011
BINDING_SUCCESS: Final = 0x0101
BINDING_ERROR: Final = 0x0111

USERNAME: Final = 0x0006
MESSAGE_INTEGRITY: Final = 0x0008
ERROR_CODE: Final = 0x0009
UNKNOWN_ATTRIBUTES: Final = 0x000A
XOR_MAPPED_ADDRESS: Final = 0x0020
PRIORITY: Final = 0x0024
USE_CANDIDATE: Final = 0x0025
SOFTWARE: Final = 0x8022
FINGERPRINT: Final = 0x8028
ICE_CONTROLLED: Final = 0x8029
ICE_CONTROLLING: Final = 0x802A
UNDERSTOOD: Final = frozenset(
    (USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES, XOR_MAPPED_ADDRESS, PRIORITY)
) | {USE_CANDIDATE}

_MAGIC: Final = 0x2112A442
_HEADER: Final = struct.Struct("!HHI12s")
_ATTRIBUTE: Final = struct.Struct("!HH")
_FINGERPRINT_XOR: Final = 0x5354554E
_INTEGRITY_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `integrity_at`: where MESSAGE-INTEGRITY begins, -1 without.

    What stands behind MESSAGE-INTEGRITY is not protected and left out, but for FINGERPRINT.
    """

    kind: int
    transaction_id: bytes
    attributes: tuple[tuple[int, bytes], ...]
    integrity_at: int = -1
    has_fingerprint: bool = False

    def get(self, name: int) -> bytes | None:
        for found, value in self.attributes:
            if found == name:
                return value
        return None

    def unknown(self) -> tuple[int, ...]:
        """Attributes that must be understood and are not (RFC 8489 s6.3.1)."""
        return tuple(
            name for name, _ in self.attributes if name < 0x8000 and name not in UNDERSTOOD
        )


def parse(datagram: bytes) -> Message:
    """Read one message; ParseError for anything else."""
    if len(datagram) < _HEADER.size:
        raise ParseError("shorter than a header")
    kind, length, magic, transaction_id = _HEADER.unpack_from(datagram)
    if kind & 0xC000 or magic != _MAGIC:
        raise ParseError("no STUN header")
    if length % 4 or length + _HEADER.size != len(datagram):
        raise ParseError("length does not fit")
    attributes: list[tuple[int, bytes]] = []
    integrity_at, at = -1, _HEADER.size
    while at < len(datagram):
        name, size = _ATTRIBUTE.unpack_from(datagram, at)
        end = at + 4 + size
        if end > len(datagram):
            raise ParseError(f"attribute at offset {at} is cut off")
        if name == FINGERPRINT:
            if size != 4 or end != len(datagram):
                raise ParseError("FINGERPRINT is not the last attribute")
            if int.from_bytes(datagram[at + 4 : end], "big") != fingerprint(datagram[:at]):
                raise ParseError("FINGERPRINT is wrong")
            return Message(kind, transaction_id, tuple(attributes), integrity_at, True)
        if integrity_at < 0:
            attributes.append((name, datagram[at + 4 : end]))
            if name == MESSAGE_INTEGRITY:
                if size != _INTEGRITY_BYTES:
                    raise ParseError("MESSAGE-INTEGRITY has a wrong size")
                integrity_at = at
        at = end + -size % 4
    return Message(kind, transaction_id, tuple(attributes), integrity_at)


def has_integrity(datagram: bytes, message: Message, key: bytes) -> bool:
    """True when MESSAGE-INTEGRITY is there and made with this key (RFC 8489 s14.5)."""
    at = message.integrity_at
    if at < 0:
        return False
    found = datagram[at + 4 : at + 4 + _INTEGRITY_BYTES]
    return hmac.compare_digest(found, _integrity(datagram[:at], key))


def serialise(message: Message, *, key: bytes | None = None) -> bytes:
    """The message with MESSAGE-INTEGRITY by `key`, if one is given, and FINGERPRINT."""
    body = bytearray(_HEADER.pack(message.kind, 0, _MAGIC, message.transaction_id))
    for name, value in message.attributes:
        body += _ATTRIBUTE.pack(name, len(value)) + value + bytes(-len(value) % 4)
    if key is not None:
        body += _ATTRIBUTE.pack(MESSAGE_INTEGRITY, _INTEGRITY_BYTES) + _integrity(bytes(body), key)
    struct.pack_into("!H", body, 2, len(body) - _HEADER.size + 8)
    return bytes(body + struct.pack("!HHI", FINGERPRINT, 4, fingerprint(bytes(body))))


def fingerprint(before: bytes) -> int:
    """FINGERPRINT of a message whose length already counts it (RFC 8489 s14.7)."""
    return zlib.crc32(before) ^ _FINGERPRINT_XOR


def xor_address(address: Address, transaction_id: bytes) -> bytes:
    """XOR-MAPPED-ADDRESS (RFC 8489 s14.2)."""
    host, port = address
    is_ipv6 = ":" in host
    packed = IPv6Address(host).packed if is_ipv6 else IPv4Address(host).packed
    pad = _MAGIC.to_bytes(4, "big") + transaction_id
    mixed = bytes(one ^ other for one, other in zip(packed, pad, strict=False))
    return struct.pack("!HH", 2 if is_ipv6 else 1, port ^ (_MAGIC >> 16)) + mixed


def parse_xor_address(value: bytes, transaction_id: bytes) -> Address | None:
    """The address in XOR-MAPPED-ADDRESS; None when it is none."""
    family = value[1:2]
    if (family, len(value)) not in ((b"\x01", 8), (b"\x02", 20)):
        return None
    pad = _MAGIC.to_bytes(4, "big") + transaction_id
    packed = bytes(one ^ other for one, other in zip(value[4:], pad, strict=False))
    host = IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed)
    return str(host), int.from_bytes(value[2:4], "big") ^ (_MAGIC >> 16)


def error_code(status: int, reason: bytes) -> bytes:
    """ERROR-CODE (RFC 8489 s14.8)."""
    return struct.pack("!HBB", 0, status // 100, status % 100) + reason


def status_of(value: bytes) -> int:
    """The number in an ERROR-CODE; 0 when there is none."""
    return (value[2] & 7) * 100 + value[3] if len(value) >= 4 else 0


def _integrity(before: bytes, key: bytes) -> bytes:
    """HMAC-SHA1 over what comes before, its length counting up to MESSAGE-INTEGRITY."""
    length = len(before) - _HEADER.size + 4 + _INTEGRITY_BYTES
    covered = before[:2] + struct.pack("!H", length) + before[4:]
    return hmac.new(key, covered, hashlib.sha1).digest()
