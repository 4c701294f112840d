"""Asks a hop whether it is there: one OPTIONS on a socket of its own (RFC 3261 s11).

For people who want to know, beside the proxy's own sockets; calls do not pass here.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.sip.codec import parse
from proxy.sip.errors import ParseError
from proxy.sip.message import Response
from proxy.sip.uri import DEFAULT_PORT

from .tls import CertificateError, identifies, load_trust

if TYPE_CHECKING:
    from proxy.locate.hop import Hop

_T1: Final = 0.5
_LARGEST: Final = 65536


@dataclass(frozen=True, slots=True)
class Probe:
    """What a hop said."""

    hop: Hop
    status: int | None = None
    """Of the response; None when there was none."""
    reason: str = ""
    """Its reason phrase, or why there was no response."""
    seconds: float = 0.0
    certificate: str = ""
    """Over TLS: "" when it speaks for the domain, else what is wrong with it."""


async def probe(hop: Hop, *, trust: Path | None = None, seconds: float = 4.0) -> Probe:
    """Send OPTIONS and wait so long for the response; never raises for what the far side does."""
    began = time.monotonic()
    certificate = ""
    try:
        async with asyncio.timeout(seconds):
            if hop.transport == "udp":
                data = await _by_udp(hop)
            elif hop.transport in ("tcp", "tls"):
                data, certificate = await _by_stream(hop, trust)
            else:
                return Probe(hop, None, f"{hop.transport} is not asked from here")
        response = parse(data)
    except TimeoutError:
        return Probe(hop, None, f"no answer within {seconds:g} s", seconds)
    except (OSError, EOFError, ParseError, CertificateError) as error:
        return Probe(hop, None, _sentence(error), time.monotonic() - began, certificate)
    took = time.monotonic() - began
    if not isinstance(response, Response):
        return Probe(hop, None, "a request came instead of an answer", took, certificate)
    reason = response.reason.decode("utf-8", "replace")
    return Probe(hop, response.status, reason, took, certificate)


async def _by_udp(hop: Hop) -> bytes:
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[bytes] = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Listener(answered), remote_addr=(hop.address, hop.port)
    )
    try:
        request = options_to(hop, transport.get_extra_info("sockname"))
        interval = _T1
        while True:
            transport.sendto(request)
            done, _ = await asyncio.wait([answered], timeout=interval)
            if done:
                return answered.result()
            interval *= 2
    finally:
        transport.close()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, answered: asyncio.Future[bytes]) -> None:
        self._answered = answered

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self._answered.done() and not data.startswith(b"SIP/2.0 1"):
            self._answered.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self._answered.done():
            self._answered.set_exception(exc)


async def _by_stream(hop: Hop, trust: Path | None) -> tuple[bytes, str]:
    certificate = ""
    try:
        reader, writer = await _connect(hop, trust, is_verified=True)
    except ssl.SSLCertVerificationError as error:
        certificate = f"not trusted: {error.verify_message}"
        reader, writer = await _connect(hop, trust, is_verified=False)
    try:
        if hop.transport == "tls" and not certificate:
            shown = writer.get_extra_info("peercert") or {}
            if not identifies(shown, hop.tls_name or ""):
                certificate = f"not one for {hop.tls_name}"
        writer.write(options_to(hop, writer.get_extra_info("sockname")))
        head = b""
        while not head or head.startswith(b"SIP/2.0 1"):
            head = (await reader.readuntil(b"\r\n\r\n")).lstrip(b"\r\n")
        return head, certificate
    finally:
        writer.close()


async def _connect(
    hop: Hop, trust: Path | None, *, is_verified: bool
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if hop.transport != "tls":
        return await asyncio.open_connection(hop.address, hop.port, limit=_LARGEST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if is_verified:
        load_trust(context, trust)
    else:
        context.verify_mode = ssl.CERT_NONE
    name = hop.tls_name or hop.address
    return await asyncio.open_connection(
        hop.address, hop.port, ssl=context, server_hostname=name, limit=_LARGEST
    )


def options_to(hop: Hop, local: tuple[str, int]) -> bytes:
    """OPTIONS to the place itself: whatever its policy is, it concerns nobody's phone."""
    ours = f"[{local[0]}]" if ":" in local[0] else local[0]
    theirs = hop.tls_name or (f"[{hop.address}]" if ":" in hop.address else hop.address)
    if hop.port != DEFAULT_PORT[hop.transport]:
        theirs = f"{theirs}:{hop.port}"
    mark = os.urandom(8).hex()
    return (
        f"OPTIONS sip:{theirs} SIP/2.0\r\n"
        f"Via: SIP/2.0/{hop.transport.upper()} {ours}:{local[1]};rport;branch=z9hG4bK{mark}\r\n"
        f"From: <sip:probe@{ours}>;tag={mark}\r\nTo: <sip:{theirs}>\r\n"
        f"Call-ID: {mark}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
        "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def _sentence(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error).partition("\n")[0] or type(error).__name__
