"""Flow tokens: the user part of our Record-Route, Path and binding routes (RFC 5626 s5.1).

    kind and side | protocol and family | relay id | flow | seal

A token names a flow without any table: for UDP both addresses, for a connection its number and
the boot in which it was opened, so that a token of a connection of an earlier life is recognised
as dead. The seal is a keyed hash over the token and what it is bound to (the Call-ID for a
dialog, the AOR for a binding), so that a token lifted from one opens nothing else. Pure.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from hmac import compare_digest
from socket import AF_INET6, inet_aton, inet_ntoa, inet_ntop, inet_pton
from typing import Final

from .flow import Flow

_SEAL: Final = 8
_MAX_TOKEN: Final = 120
_PROTOCOLS: Final = ("", "udp", "tcp", "tls", "ws", "wss")
_FAMILY_6: Final = 0x10
_VERSION: Final = 0x40
_VERSION_MASK: Final = 0xC0


class Kind(IntEnum):
    """What a token stands for."""

    CALLER = 1  # dialog: the side that sent the first request
    CALLEE = 2  # dialog: the side that it went to
    BINDING = 3  # a registered contact


@dataclass(frozen=True, slots=True)
class Side:
    """What is sealed into a token."""

    kind: Kind
    flow: Flow | None = None
    """None: this side is reached by locating its URI."""
    relay_id: bytes = b""
    """The media relay of the call, at most 8 bytes; b"" for none."""
    is_dead: bool = False
    """The flow was a connection of an earlier life of this node."""


class Tokens:
    """Seals and opens tokens with the cluster's key. `boot_id` is 4 random bytes of this life."""

    __slots__ = ("_boot_id", "_key", "_previous")

    def __init__(self, key: bytes, boot_id: bytes, previous_keys: tuple[bytes, ...] = ()) -> None:
        self._key = key
        self._boot_id = boot_id
        self._previous = previous_keys

    def seal(self, side: Side, bound_to: bytes) -> bytes:
        """The token as a legal SIP user part."""
        flow = side.flow
        if flow is None:
            body = bytes((_VERSION | side.kind, 0, len(side.relay_id))) + side.relay_id
        else:
            family = _FAMILY_6 if flow.family == 6 else 0
            protocol = _PROTOCOLS.index(flow.protocol) | family
            body = bytes((_VERSION | side.kind, protocol, len(side.relay_id))) + side.relay_id
            if flow.connection_id:
                body += self._boot_id + flow.connection_id.to_bytes(4, "big")
            else:
                body += _pack(flow.remote) + _pack(flow.local)
        return urlsafe_b64encode(body + _seal(self._key, body, bound_to)).rstrip(b"=")

    def open(self, token: bytes, bound_to: bytes) -> Side | None:
        """What was sealed; None when we did not seal it, or for something else.

        The flow of a connection has only its `connection_id`; the transport knows the rest.
        """
        data = _decode(token)
        if data is None or data[0] & _VERSION_MASK != _VERSION:
            return None
        body, seal = data[:-_SEAL], data[-_SEAL:]
        if not any(
            compare_digest(seal, _seal(key, body, bound_to)) for key in (self._key, *self._previous)
        ):
            return None
        return self._side(body)

    def _side(self, body: bytes) -> Side | None:
        try:
            kind = Kind(body[0] & ~_VERSION_MASK)
            protocol = _PROTOCOLS[body[1] & 0x0F]
        except (ValueError, IndexError):
            return None
        at = 3 + body[2]
        relay_id, rest = body[3:at], body[at:]
        if not protocol:
            return Side(kind, None, relay_id)
        if protocol != "udp":
            connection_id = int.from_bytes(rest[4:8], "big")
            flow = Flow(protocol, ("", 0), ("", 0), connection_id)
            return Side(kind, flow, relay_id, is_dead=rest[:4] != self._boot_id)
        half = 18 if body[1] & _FAMILY_6 else 6
        if len(rest) != 2 * half:
            return None
        return Side(kind, Flow("udp", _unpack(rest[half:]), _unpack(rest[:half])), relay_id)


def looks_like_token(user: bytes | None) -> bool:
    """Whether a Route's user part may be a token at all; cheap, decides nothing."""
    return user is not None and len(user) >= 15 and _decode(user) is not None


def _decode(token: bytes) -> bytes | None:
    if not 15 <= len(token) <= _MAX_TOKEN:
        return None
    try:
        data = urlsafe_b64decode(token + b"=" * (-len(token) % 4))
    except ValueError:
        return None
    return data if len(data) >= 3 + _SEAL else None


def _seal(key: bytes, body: bytes, bound_to: bytes) -> bytes:
    return blake2b(body + bound_to, key=key, digest_size=_SEAL, person=b"fedsip token").digest()


def _pack(address: tuple[str, int]) -> bytes:
    host, port = address
    packed = inet_pton(AF_INET6, host) if ":" in host else inet_aton(host)
    return packed + port.to_bytes(2, "big")


def _unpack(data: bytes) -> tuple[str, int]:
    packed = data[:-2]
    host = inet_ntoa(packed) if len(packed) == 4 else inet_ntop(AF_INET6, packed)
    return host, int.from_bytes(data[-2:], "big")
