"""What stands around a transport layer in its tests: phones with real sockets, messages, keys."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from proxy.settings import ProxySettings
from proxy.sip.message import Request, Response
from proxy.transport.flow import Address, Flow
from proxy.transport.layer import TransportLayer
from proxy.transport.tls import TlsContexts
from tests.harness.processes import free_port

BOUND_SECONDS = 60.0

Found = TypeVar("Found")


def options(
    call_id: str = "1", *, via: str = "SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK1", body: bytes = b""
) -> bytes:
    """A request as a phone sends it."""
    return (
        f"OPTIONS sip:proxy.test SIP/2.0\r\nVia: {via}\r\nFrom: <sip:alice@a.test>;tag=1\r\n"
        f"To: <sip:proxy.test>\r\nCall-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class Office:
    """A transport layer, and what it told: the part of the core in these tests."""

    def __init__(self, host: str, folder: Path, **settings: object) -> None:
        self.host = host
        self.came: asyncio.Queue[tuple[Request | Response, Flow]] = asyncio.Queue()
        folder = Path(str(settings.get("state_dir", folder)))
        self.closed: asyncio.Queue[Flow] = asyncio.Queue()
        self.undelivered: asyncio.Queue[bytes] = asyncio.Queue()
        self.on_message: Callable[[Request | Response, Flow], None] | None = None
        certificate = folder / "cert.pem"
        self.tls = (
            TlsContexts(
                certificate,
                folder / "key.pem",
                folder / "domains",
                trust=Path(str(settings["tls_ca"])) if "tls_ca" in settings else None,
                ask=bool(settings.get("tls_ask", True)),
            )
            if certificate.exists()
            else None
        )
        values: dict[str, object] = {
            "database_url": "unused",
            "state_dir": folder,
            "addresses": (host,),
            "port": free_port(host),
            "tls_port": free_port(host),
            **settings,
        }
        self.settings = ProxySettings(**values)  # type: ignore[arg-type]
        self.layer = TransportLayer(
            self.settings,
            on_message=self._message,
            on_flow_closed=self.closed.put_nowait,
            on_undelivered=self.undelivered.put_nowait,
            tls=self.tls,
        )

    def _message(self, message: Request | Response, flow: Flow, now: float) -> None:
        assert now > 0
        if self.on_message is not None:
            self.on_message(message, flow)
        self.came.put_nowait((message, flow))

    def address(self, protocol: str) -> Address:
        return self.host, self.settings.tls_port if protocol == "tls" else self.settings.port

    async def next(self) -> tuple[Request | Response, Flow]:
        return await soon(self.came.get())


async def soon(awaitable: Awaitable[Found]) -> Found:
    """Wait with a bound that only ends a hung test."""
    async with asyncio.timeout(BOUND_SECONDS):
        return await awaitable


class UdpPhone:
    """One UDP socket."""

    def __init__(self, host: str, port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((host, port))
        self.address: Address = self._socket.getsockname()[:2]

    def send(self, data: bytes, to: Address) -> None:
        self._socket.sendto(data, to)

    async def receive(self) -> tuple[bytes, Address]:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._socket.fileno(), readable.set)
        try:
            await soon(readable.wait())
        finally:
            loop.remove_reader(self._socket.fileno())
        data, source = self._socket.recvfrom(65536)
        return data, source[:2]

    def close(self) -> None:
        self._socket.close()


class StreamPhone:
    """One TCP or TLS connection to the layer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(
        cls, to: Address, *, tls: bool = False, name: str | None = None
    ) -> StreamPhone:
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(
            *to, ssl=context, server_hostname=(name or "proxy.test") if tls else None
        )
        return cls(reader, writer)

    @property
    def address(self) -> Address:
        address: Address = self.writer.get_extra_info("sockname")[:2]
        return address

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive(self, size: int) -> bytes:
        return await soon(self.reader.readexactly(size))

    async def head(self) -> bytes:
        """Up to the end of a header section."""
        return await soon(self.reader.readuntil(b"\r\n\r\n"))

    async def ended(self) -> bytes:
        """What comes until the far side ends."""
        try:
            return await soon(self.reader.read())
        except ConnectionError:
            return b""

    @property
    def certificate(self) -> x509.Certificate:
        shown = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return x509.load_der_x509_certificate(shown)

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, ssl.SSLError):
            return


def make_certificate(folder: Path, name: str, names: Sequence[x509.GeneralName] = ()) -> None:
    """A self-signed `cert.pem` with its `key.pem`; `name` is the common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cert.pem").write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def common_name(certificate: x509.Certificate) -> str:
    value = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert isinstance(value, str)
    return value
