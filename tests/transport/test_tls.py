"""Certificates: which one is shown, when they change, and for whom one speaks."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from proxy.transport.tls import CertificateError, TlsContexts, identifies

from .peers import common_name, make_certificate


@pytest.fixture
def own(tmp_path: Path, folder: Path) -> Path:
    """A folder of certificates that the test may change."""
    return Path(shutil.copytree(folder, tmp_path / "state"))


def contexts(folder: Path) -> TlsContexts:
    return TlsContexts(folder / "cert.pem", folder / "key.pem", folder / "domains")


def shown(server: ssl.SSLContext, name: str | None) -> str:
    """The common name that a client sees."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    theirs.settimeout(20)

    def serve() -> None:
        try:
            server.wrap_socket(ours, server_side=True).close()
        except (ssl.SSLError, OSError):
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname=name) as wrapped:
            certificate = wrapped.getpeercert(binary_form=True)
    finally:
        theirs.close()
        thread.join()
    assert certificate is not None
    return common_name(x509.load_der_x509_certificate(certificate))


def newer(path: Path) -> None:
    """Give a file another time, as replacing it does."""
    stat = path.stat()
    os.utime(path, (stat.st_atime, stat.st_mtime + 10))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "node.test"),
        ("node.test", "node.test"),
        ("hosted.test", "hosted.test"),
        ("HOSTED.test", "hosted.test"),
        ("other.test", "node.test"),
        ("sub.hosted.test", "node.test"),
    ],
)
def test_choice_by_name(folder: Path, name: str | None, expected: str) -> None:
    assert shown(contexts(folder).server, name) == expected


def test_new_certificate_is_shown_by_the_same_context(own: Path) -> None:
    tls = contexts(own)
    server = tls.server
    assert not tls.reload()
    make_certificate(own, "renewed.test")
    newer(own / "cert.pem")
    assert tls.reload()
    assert tls.server is server
    assert shown(server, None) == "renewed.test"
    assert shown(server, "hosted.test") == "hosted.test"


def test_domain_that_comes_and_goes(own: Path) -> None:
    tls = contexts(own)
    make_certificate(own / "domains" / "New.test", "new.test")
    assert tls.reload()
    assert shown(tls.server, "new.test") == "new.test"
    shutil.rmtree(own / "domains" / "New.test")
    assert tls.reload()
    assert shown(tls.server, "new.test") == "node.test"


def test_half_written_pair_leaves_the_old_one(own: Path) -> None:
    tls = contexts(own)
    (own / "key.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(CertificateError, match=r"key\.pem is no usable pair"):
        tls.reload()
    assert shown(tls.server, None) == "node.test"
    (own / "cert.pem").unlink()
    with pytest.raises(CertificateError, match=r"cert\.pem cannot be read"):
        tls.reload()
    make_certificate(own, "repaired.test")
    assert tls.reload()
    assert shown(tls.server, None) == "repaired.test"


def test_folder_without_a_pair_is_passed_over(own: Path) -> None:
    (own / "domains" / "empty.test").mkdir()
    assert shown(contexts(own).server, "empty.test") == "node.test"


def test_no_domains(own: Path) -> None:
    for domains in (None, own / "nowhere"):
        tls = TlsContexts(own / "cert.pem", own / "key.pem", domains)
        assert shown(tls.server, "hosted.test") == "node.test"


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_file_that_is_missing(own: Path, missing: str) -> None:
    (own / missing).unlink()
    with pytest.raises(CertificateError, match=f"{missing} cannot be read: No such file"):
        contexts(own)


def test_key_of_another_certificate(own: Path) -> None:
    shutil.copy(own / "domains" / "hosted.test" / "key.pem", own / "key.pem")
    with pytest.raises(CertificateError, match="no usable pair"):
        contexts(own)


def test_clients(folder: Path) -> None:
    tls = contexts(folder)
    client, verified = (tls.outbound("", is_verified=is_on) for is_on in (False, True))
    assert client.verify_mode is ssl.CERT_NONE
    assert verified.verify_mode is ssl.CERT_REQUIRED
    for context in (tls.server, client, verified):
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2


# -- RFC 5922


def certificate(*names: tuple[str, str], common: str = "common.test") -> dict[str, object]:
    subject = ((("organizationName", "x"),), (("commonName", common),))
    found: dict[str, object] = {"subject": subject}
    if names:
        found["subjectAltName"] = names
    return found


@pytest.mark.parametrize(
    ("names", "domain", "expected"),
    [
        ([("URI", "sip:example.com")], "example.com", True),
        ([("URI", "SIP:Example.COM")], "example.com.", True),
        ([("URI", "sip:example.com")], "sub.example.com", False),
        ([("URI", "sip:alice@example.com")], "example.com", False),
        ([("URI", "sip:example.com:5061")], "example.com", False),
        ([("URI", "https://example.com")], "example.com", False),
        ([("URI", "sip:")], "", False),
        ([("DNS", "example.com")], "example.com", True),
        ([("DNS", "EXAMPLE.com")], "example.com", True),
        ([("DNS", "*.example.com")], "sip.example.com", False),
        ([("DNS", "other.com"), ("DNS", "example.com")], "example.com", True),
        # a SIP URI decides alone
        ([("URI", "sip:other.com"), ("DNS", "example.com")], "example.com", False),
        ([("URI", "sip:other.com"), ("URI", "sip:example.com")], "example.com", True),
        # an URI that is none of SIP's leaves it to the DNS names
        ([("URI", "https://x.test"), ("DNS", "example.com")], "example.com", True),
        # the common name only where there is no other
        ([], "common.test", True),
        ([], "COMMON.test", True),
        ([], "example.com", False),
        ([("DNS", "example.com")], "common.test", False),
        ([("email", "x@common.test")], "common.test", False),
    ],
)
def test_identifies(names: list[tuple[str, str]], domain: str, expected: bool) -> None:
    assert identifies(certificate(*names), domain) is expected


def test_certificate_that_was_not_verified_identifies_nobody() -> None:
    assert not identifies({}, "example.com")
