"""The server's side of TLS that asks for certificates, beside Python's own on the other side."""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509

from proxy.transport.asking_tls import AskingContext
from proxy.transport.tls import TlsContexts, identifies
from tests.harness.authority import Authority

from .peers import common_name, make_certificate

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Pair:
    """Both sides of one connection in memory; `flows` carries what each has to say."""

    def __init__(
        self, server: ssl.SSLContext, client: ssl.SSLContext, name: str = "b.test"
    ) -> None:
        self._up, self._down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self._down, self._up, server_hostname=name)
        self.server = server.wrap_bio(self.incoming, self._outgoing, server_side=True)

    def flows(self) -> None:
        self.incoming.write(self._up.read())
        self._down.write(self._outgoing.read())

    def shakes_hands(self) -> None:
        """Until the client is ready; the server's last step is left to the test."""
        while True:
            try:
                self.client.do_handshake()
                return
            except ssl.SSLWantReadError:
                self.flows()
            with suppress(ssl.SSLWantReadError):
                self.server.do_handshake()
            self.flows()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> AskingContext:
    return AskingContext(*authority.issue(tmp_path / "server", "b.test"), authority.trust)


def client(version: ssl.TLSVersion, pair: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    if pair is not None:
        context.load_cert_chain(*pair)
    return context


@pytest.mark.parametrize(
    ("names", "speaks_for"),
    [(("a.test",), True), (("sip:a.test",), True), (("sip:other.test", "a.test"), False)],
)
def test_certificate_that_is_vouched_for(
    tmp_path: Path,
    authority: Authority,
    server: AskingContext,
    names: tuple[str, ...],
    speaks_for: bool,
) -> None:
    shown = authority.issue(tmp_path / "client", *names)
    pair = Pair(server, client(ssl.TLSVersion.TLSv1_3, shown))
    pair.shakes_hands()
    pair.flows()
    pair.server.do_handshake()
    found = pair.server.getpeercert()
    assert found is not None
    assert found["subject"] == ((("commonName", names[0]),),)
    assert identifies(found, "a.test") is speaks_for


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("shows", [True, False])
def test_certificate_of_nobody(
    tmp_path: Path, server: AskingContext, version: ssl.TLSVersion, shows: bool
) -> None:
    make_certificate(tmp_path / "phone", "a.test", [x509.DNSName("a.test")])
    shown = (tmp_path / "phone" / "cert.pem", tmp_path / "phone" / "key.pem")
    pair = Pair(server, client(version, shown if shows else None))
    pair.shakes_hands()
    pair.flows()
    pair.server.do_handshake()
    assert pair.server.getpeercert() == ({} if shows else None)
    assert pair.server.cipher() is not None


def test_data_that_comes_with_the_end_of_the_handshake_is_announced(server: AskingContext) -> None:
    """uvloop reads only while something is said to be pending."""
    pair = Pair(server, client(ssl.TLSVersion.TLSv1_3))
    pair.shakes_hands()
    pair.client.write(b"OPTIONS ")
    pair.client.write(b"sip:b.test")
    pair.flows()
    pair.server.do_handshake()
    assert pair.incoming.pending == 0
    said = b""
    while pair.server.pending():
        try:
            said += pair.server.read()
        except ssl.SSLWantReadError:
            break
    assert said == b"OPTIONS sip:b.test"
    assert pair.server.pending() == 0


def test_data_both_ways_and_the_end(server: AskingContext) -> None:
    pair = Pair(server, client(ssl.TLSVersion.TLSv1_3))
    pair.shakes_hands()
    pair.flows()
    pair.server.do_handshake()
    left, heard = b"x" * 100_000, b""
    while left:
        left = left[pair.server.write(left) :]
        pair.flows()
        heard += pair.client.read(65_536)
    assert heard == b"x" * 100_000
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.flows()
    assert pair.server.read() == b""
    pair.server.unwrap()
    pair.flows()
    pair.client.unwrap()


def test_no_tls(server: AskingContext) -> None:
    pair = Pair(server, client(ssl.TLSVersion.TLSv1_3))
    pair.incoming.write(b"OPTIONS sip:b.test SIP/2.0\r\n\r\n")
    with pytest.raises(ssl.SSLError, match=r"wrong version number|http request|packet length"):
        pair.server.do_handshake()


def shown(server: ssl.SSLContext, name: str) -> str:
    """The common name that somebody sees who asks for that domain."""
    pair = Pair(server, client(ssl.TLSVersion.TLSv1_3), name)
    pair.shakes_hands()
    certificate = pair.client.getpeercert(binary_form=True)
    assert certificate is not None
    return common_name(x509.load_der_x509_certificate(certificate))


def test_certificates_by_name_and_new_ones(tmp_path: Path, authority: Authority) -> None:
    authority.issue(tmp_path, "node.test")
    authority.issue(tmp_path / "domains" / "hosted.test", "hosted.test")
    tls = TlsContexts(
        tmp_path / "cert.pem",
        tmp_path / "key.pem",
        tmp_path / "domains",
        trust=authority.trust,
        ask=True,
    )
    listening = tls.server
    assert shown(listening, "hosted.test") == "hosted.test"
    assert shown(listening, "other.test") == "node.test"
    authority.issue(tmp_path, "renewed.test")
    seen = (tmp_path / "cert.pem").stat()
    os.utime(tmp_path / "cert.pem", (seen.st_atime, seen.st_mtime + 10))
    assert tls.reload()
    assert tls.server is listening
    assert shown(listening, "other.test") == "renewed.test"
    assert shown(listening, "hosted.test") == "hosted.test"
