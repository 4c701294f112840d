"""STUN on the SIP port: a binding request gets its mapped address back (RFC 5626 s4.4.2).

Only what a keep-alive needs of RFC 8489: no credentials, no fingerprint required. Pure.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from .flow import Address

_COOKIE: Final = b"\x21\x12\xa4\x42"
_BINDING_REQUEST: Final = b"\x00\x01"
_BINDING_SUCCESS: Final = b"\x01\x01"
_XOR_MAPPED_ADDRESS: Final = b"\x00\x20"


def is_stun(data: bytes) -> bool:
    """Whether a datagram is STUN (RFC 7983): no SIP message begins with a byte below 4."""
    return len(data) >= 20 and data[0] < 4 and data[4:8] == _COOKIE


def binding_response(data: bytes, source: Address) -> bytes | None:
    """The success response to a binding request; None for any other STUN message."""
    if data[:2] != _BINDING_REQUEST or int.from_bytes(data[2:4], "big") != len(data) - 20:
        return None
    transaction_id = data[8:20]
    address = ip_address(source[0]).packed
    mask = (_COOKIE + transaction_id)[: len(address)]
    value = (
        bytes((0, 1 if len(address) == 4 else 2))
        + (source[1] ^ 0x2112).to_bytes(2, "big")
        + bytes(a ^ b for a, b in zip(address, mask, strict=True))
    )
    attribute = _XOR_MAPPED_ADDRESS + len(value).to_bytes(2, "big") + value
    return (
        _BINDING_SUCCESS + len(attribute).to_bytes(2, "big") + _COOKIE + transaction_id + attribute
    )
