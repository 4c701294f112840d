"""Flow tokens: the user part of our Record-Route, Path and binding routes (RFC 5626 s5.1).

    kind and side | media, family, protocol | relay id | flow | binding, with a connection | seal

A token names a flow without any table: for UDP both addresses, for a connection its number and
the boot in which it was opened, so that a token of a connection of an earlier life is recognised
as dead. The seal is a keyed hash over the token and what it is bound to (the Call-ID for a
dialog, the AOR for a binding), so that a token lifted from one opens nothing else. Pure.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from binascii import Error as Base64Error
from binascii import a2b_base64
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from hmac import compare_digest
from socket import AF_INET6, inet_aton, inet_ntoa, inet_ntop, inet_pton
from typing import Final

from .flow import Flow

_SEAL: Final = 8
_MAX_TOKEN: Final = 120
_MOST_REMEMBERED: Final = 50_000
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
_PROTOCOLS: Final = ("", "udp", "tcp", "tls", "ws", "wss")
_FAMILY_6: Final = 0x10
_MEDIA_BIT: Final = 5
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
    binding_id: str = ""
    """The registered contact at the end of a connection: where it is found again when that is gone.
    24 hexadecimal digits, or "" for none."""
    media: int = 0
    """Routing's own, 0 to 7: how this side must be spoken to in the calls that it has."""


_NOTE = b"note:"


class Tokens:
    """Seals and opens tokens with the cluster's key. `boot_id` is 4 random bytes of this life."""

    __slots__ = ("_boot_id", "_previous", "_seal", "_sides")

    def __init__(self, key: bytes, boot_id: bytes, previous_keys: tuple[bytes, ...] = ()) -> None:
        self._boot_id = boot_id
        self._seal = Seal(key)
        self._previous = tuple([Seal(previous) for previous in previous_keys])
        self._sides: dict[bytes, Side] = {}  # opened ones: the same flows come again and again

    def seal(self, side: Side, bound_to: bytes) -> bytes:
        """The token as a legal SIP user part."""
        flow, how = side.flow, side.media << _MEDIA_BIT
        if flow is None:
            body = bytes((_VERSION | side.kind, how, len(side.relay_id))) + side.relay_id
        else:
            how |= _PROTOCOLS.index(flow.protocol) | (_FAMILY_6 if flow.family == 6 else 0)
            body = bytes((_VERSION | side.kind, how, len(side.relay_id))) + side.relay_id
            if flow.connection_id:
                body += self._boot_id + flow.connection_id.to_bytes(4, "big")
                body += bytes.fromhex(side.binding_id)
            else:
                body += _pack(flow.remote) + _pack(flow.local)
        return urlsafe_b64encode(body + self._seal.over(body, bound_to)).rstrip(b"=")

    def open(self, token: bytes, bound_to: bytes) -> Side | None:
        """What was sealed; None when we did not seal it, or for something else.

        The flow of a connection has only its `connection_id`; the transport knows the rest.
        """
        data = _decode(token)
        if data is None or data[0] & _VERSION_MASK != _VERSION:
            return None
        body, seal = data[:-_SEAL], data[-_SEAL:]
        if not compare_digest(seal, self._seal.over(body, bound_to)) and not any(
            compare_digest(seal, previous.over(body, bound_to)) for previous in self._previous
        ):
            return None
        side = self._sides.get(body)
        if side is None:
            side = self._side(body)
            if side is not None:
                if len(self._sides) >= _MOST_REMEMBERED:
                    self._sides.clear()
                self._sides[body] = side
        return side

    def seal_note(self, note: bytes, bound_to: bytes) -> bytes:
        """A short text of routing's as a legal URI parameter."""
        return urlsafe_b64encode(note + self._seal.over(note, _NOTE + bound_to)).rstrip(b"=")

    def open_note(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """The text that was sealed; None when we did not seal it, or for something else."""
        try:
            data = a2b_base64(sealed.translate(_FROM_URL) + b"=="[: -len(sealed) % 4])
        except Base64Error:
            return None
        note, seal = data[:-_SEAL], data[-_SEAL:]
        for key in (self._seal, *self._previous):
            if compare_digest(seal, key.over(note, _NOTE + bound_to)):
                return note
        return None

    def _side(self, body: bytes) -> Side | None:
        try:
            kind = Kind(body[0] & ~_VERSION_MASK)
            protocol = _PROTOCOLS[body[1] & 0x0F]
        except (ValueError, IndexError):
            return None
        at, media = 3 + body[2], body[1] >> _MEDIA_BIT
        relay_id, rest = body[3:at], body[at:]
        if not protocol:
            return Side(kind, None, relay_id, media=media)
        if protocol != "udp":
            connection_id = int.from_bytes(rest[4:8], "big")
            flow = Flow(protocol, ("", 0), ("", 0), connection_id)
            is_dead = rest[:4] != self._boot_id
            return Side(kind, flow, relay_id, is_dead, rest[8:].hex(), media)
        half = 18 if body[1] & _FAMILY_6 else 6
        if len(rest) != 2 * half:
            return None
        flow = Flow("udp", _unpack(rest[half:]), _unpack(rest[:half]))
        return Side(kind, flow, relay_id, media=media)


def looks_like_token(user: bytes | None) -> bool:
    """Whether a Route's user part may be a token at all; cheap, decides nothing."""
    return user is not None and len(user) >= 15 and _decode(user) is not None


def _decode(token: bytes) -> bytes | None:
    if not 15 <= len(token) <= _MAX_TOKEN:
        return None
    try:
        data = a2b_base64(token.translate(_FROM_URL) + b"=="[: -len(token) % 4])
    except Base64Error:
        return None
    return data if len(data) >= 3 + _SEAL else None


class Seal:
    """A keyed hash that has taken its key already."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = blake2b(key=key, digest_size=_SEAL, person=b"fedsip token")

    def over(self, body: bytes, bound_to: bytes) -> bytes:
        hasher = self._keyed.copy()
        # where one ends is sealed too
        hasher.update(b"%c%b%b" % (len(body) & 0xFF, body, bound_to))
        return hasher.digest()


def _pack(address: tuple[str, int]) -> bytes:
    host, port = address
    packed = inet_pton(AF_INET6, host) if ":" in host else inet_aton(host)
    return packed + port.to_bytes(2, "big")


def _unpack(data: bytes) -> tuple[str, int]:
    packed = data[:-2]
    host = inet_ntoa(packed) if len(packed) == 4 else inet_ntop(AF_INET6, packed)
    return host, int.from_bytes(data[-2:], "big")
