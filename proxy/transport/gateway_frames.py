"""The codec of the link between the web process and the proxy; both sides import it. Pure.

One link for each browser, as bytes over a stream socket:

    PROXY v2 header (haproxy's proxy-protocol.txt s2.2): the browser's address and the one that it
    connected to; TLV PP2_TYPE_SSL with PP2_CLIENT_SSL set for wss; TLV 0xE0, of our own, with u32
    ids of the tenants that let the browser's page in, absent for a page that may speak to all
    then frames, in both directions: u32 big-endian length, then one SIP message

A frame of length 0 carries nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

Address = tuple[str, int]

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_VERSION_PROXY: Final = 0x21
_TCP_IPV4: Final = 0x11
_TCP_IPV6: Final = 0x21
_TLV_SSL: Final = b"\x20"
_TLV_TENANTS: Final = b"\xe0"
_CLIENT_SSL: Final = 0x01
_MOST_PREAMBLE: Final = 1024
_FIXED: Final = 16


class GatewayError(Exception):
    """The far side of a link does not keep to the format."""


@dataclass(frozen=True, slots=True)
class Preamble:
    """Who is at the far end of a link."""

    source: Address
    """The browser."""
    local: Address
    """Where it connected to."""
    is_secure: bool
    """wss rather than ws."""
    tenants: tuple[int, ...] = ()
    """Ids of the tenants whose domains the page may speak to; none: all, it is our own page or no
    page."""

    def serialise(self) -> bytes:
        """The PROXY v2 header; GatewayError when the addresses are none or of two families."""
        try:
            source, local = ip_address(self.source[0]), ip_address(self.local[0])
        except ValueError as error:
            raise GatewayError(str(error)) from error
        if source.version != local.version:
            raise GatewayError(f"{source} and {local} are of different families")
        body = source.packed + local.packed
        body += self.source[1].to_bytes(2, "big") + self.local[1].to_bytes(2, "big")
        if self.is_secure:
            ssl = bytes((_CLIENT_SSL,)) + bytes(4)  # verify 0: no client certificate was asked for
            body += _TLV_SSL + len(ssl).to_bytes(2, "big") + ssl
        if self.tenants:
            ids = b"".join(one.to_bytes(4, "big") for one in self.tenants)
            body += _TLV_TENANTS + len(ids).to_bytes(2, "big") + ids
        family = _TCP_IPV4 if source.version == 4 else _TCP_IPV6
        head = _SIGNATURE + bytes((_VERSION_PROXY, family)) + len(body).to_bytes(2, "big")
        return head + body


def frame(message: bytes) -> bytes:
    """One message as it goes over a link."""
    return len(message).to_bytes(4, "big") + message


class FrameReader:
    """Bytes in, whole messages out."""

    __slots__ = ("_buffer", "_max_message")

    def __init__(self, max_message: int) -> None:
        self._buffer = bytearray()
        self._max_message = max_message

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now; raises GatewayError for one above the limit."""
        buffer = self._buffer
        buffer += data
        found: list[bytes] = []
        while len(buffer) >= 4:
            size = int.from_bytes(buffer[:4], "big")
            if size > self._max_message:
                raise GatewayError(f"frame of {size} bytes, above {self._max_message}")
            if len(buffer) < 4 + size:
                break
            if size:
                found.append(bytes(buffer[4 : 4 + size]))
            del buffer[: 4 + size]
        return found


class PreambleReader:
    """Bytes in, the preamble out once it is whole."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[Preamble, bytes] | None:
        """The preamble and what came behind it, None while it is not whole; GatewayError."""
        self._buffer += data
        buffer = self._buffer
        if not buffer.startswith(_SIGNATURE[: len(buffer)]):
            raise GatewayError("not a PROXY v2 header")
        if len(buffer) < _FIXED:
            return None
        size = _FIXED + int.from_bytes(buffer[14:16], "big")
        if size > _MOST_PREAMBLE:
            raise GatewayError(f"PROXY header of {size} bytes")
        if len(buffer) < size:
            return None
        return _preamble(buffer[12], buffer[13], buffer[_FIXED:size]), buffer[size:]


def _preamble(version: int, family: int, body: bytes) -> Preamble:
    length = {_TCP_IPV4: 4, _TCP_IPV6: 16}.get(family)
    if version != _VERSION_PROXY or length is None or len(body) < 2 * length + 4:
        raise GatewayError("PROXY header without addresses")
    ports = body[2 * length : 2 * length + 4]
    tlvs = dict(_tlvs(body[2 * length + 4 :]))
    ssl, tenants = tlvs.get(_TLV_SSL, b""), tlvs.get(_TLV_TENANTS, b"")
    if len(tenants) % 4:
        raise GatewayError("PROXY header with a malformed list of tenants")
    return Preamble(
        (str(ip_address(body[:length])), int.from_bytes(ports[:2], "big")),
        (str(ip_address(body[length : 2 * length])), int.from_bytes(ports[2:], "big")),
        bool(ssl and ssl[0] & _CLIENT_SSL),
        tuple(int.from_bytes(tenants[at : at + 4], "big") for at in range(0, len(tenants), 4)),
    )


def _tlvs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while len(data) >= 3:
        end = 3 + int.from_bytes(data[1:3], "big")
        yield data[:1], data[3:end]
        data = data[end:]
