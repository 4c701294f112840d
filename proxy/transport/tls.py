"""TLS: the certificate that we show, and whose certificate the far side has shown.

The node's certificate and those of hosted domains (a folder for each: `DOMAIN/cert.pem` and
`key.pem`) are chosen by SNI where somebody connects to us, and by the caller's domain where we
connect. They are read again when their files have changed; handshakes that come later see the new
ones, connections that stand go on.

Whom the far side's certificate speaks for is RFC 5922's to say (`identifies`), once the trust store
vouches for it. Whoever connects is asked for a certificate and taken in whatever he shows
(asking_tls.py). One that signed itself is never shown to a server that asks for one: it proves
nothing, and most of those who ask would hang up.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from cryptography import x509

from .asking_tls import AskingContext

_CERTIFICATE: Final = "cert.pem"
_KEY: Final = "key.pem"

_Stamp = tuple[tuple[str, float, int], ...]


class CertificateError(Exception):
    """A certificate or key cannot be used; the message names the file."""


class _Contexts(NamedTuple):
    """One certificate in its three parts."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    """Takes any certificate of the far side."""
    verified: ssl.SSLContext
    """Takes only what the trust store vouches for."""


class TlsContexts:
    """The contexts of this node. `server` stays the same object for as long as we listen.

    `trust` is a PEM file or a folder of hashed ones; the system's store where there is none.
    With `ask`, whoever connects is asked for a certificate; one that the trust store does not know
    is as good as none.
    """

    __slots__ = (
        "_ask",
        "_by_name",
        "_certificate",
        "_domains",
        "_key",
        "_own",
        "_stamp",
        "_trust",
        "server",
    )

    def __init__(
        self,
        certificate: Path,
        key: Path,
        domains: Path | None = None,
        *,
        trust: Path | None = None,
        ask: bool = False,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._domains = domains
        self._trust = trust
        self._ask = ask
        self._by_name: dict[str, _Contexts] = {}
        self._stamp: _Stamp = ()
        self._own = self._contexts(certificate, key)
        self.server = self._own.server
        if isinstance(self.server, AskingContext):
            self.server.choose_by_name(self._server_for)
        else:
            self.server.sni_callback = self._choose
        self.reload()

    def outbound(self, domain: str, *, is_verified: bool) -> ssl.SSLContext:
        """The context for connecting on behalf of a domain of ours."""
        own = self._by_name.get(domain, self._own)
        return own.verified if is_verified else own.client

    def shown_name(self, domain: str) -> str:
        """The domain if it has a certificate of its own, "" if the node's is shown for it."""
        name = domain.lower().rstrip(".")
        return name if name in self._by_name else ""

    def reload(self) -> bool:
        """Read all files again if any has changed; whether one had.

        Raises CertificateError and goes on with what it had.
        """
        pairs = list(self._domain_pairs())
        stamp = _stamp((self._certificate, self._key, *(path for _, *two in pairs for path in two)))
        if stamp == self._stamp:
            return False
        own = self._contexts(self._certificate, self._key)
        by_name = {name: self._contexts(certificate, key) for name, certificate, key in pairs}
        self._own, self._by_name = own, by_name
        self._stamp = stamp
        return True

    def _contexts(self, certificate: Path, key: Path) -> _Contexts:
        server = _context(ssl.PROTOCOL_TLS_SERVER)
        _show(server, certificate, key)
        client, verified = _context(ssl.PROTOCOL_TLS_CLIENT), _context(ssl.PROTOCOL_TLS_CLIENT)
        client.verify_mode = ssl.CERT_NONE
        load_trust(verified, self._trust)
        if self._ask:
            server = AskingContext(certificate, key, self._trust)
        if not _signed_itself(certificate):
            _show(client, certificate, key)
            _show(verified, certificate, key)
        return _Contexts(server, client, verified)

    def _domain_pairs(self) -> Iterable[tuple[str, Path, Path]]:
        if self._domains is None or not self._domains.is_dir():
            return
        for folder in sorted(self._domains.iterdir()):
            certificate, key = folder / _CERTIFICATE, folder / _KEY
            if certificate.exists() and key.exists():
                yield folder.name.lower(), certificate, key

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Called by the handshake, with or without SNI."""
        connection.context = self._server_for(name or "")

    def _server_for(self, name: str) -> ssl.SSLContext:
        return self._by_name.get(name.lower().rstrip("."), self._own).server


def load_trust(context: ssl.SSLContext, trust: Path | None) -> None:
    """Believe the authorities of a file or folder, or the system's; raises CertificateError."""
    try:
        if trust is None:
            context.load_default_certs()
        elif trust.is_dir():
            context.load_verify_locations(capath=trust)
        else:
            context.load_verify_locations(cafile=trust)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"The trust store {trust} cannot be read: {error}.") from error


def identifies(certificate: Mapping[str, Any], domain: str) -> bool:
    """Whether a verified certificate, as `getpeercert()` gives it, speaks for a SIP domain."""
    return domain.lower().rstrip(".") in domains_of(certificate)


def domains_of(certificate: Mapping[str, Any]) -> frozenset[str]:
    """The SIP domains for which a verified certificate, as `getpeercert()` gives it, speaks.

    A SIP URI without a user in subjectAltName decides where there is one, else DNS names, and the
    common name only where there is neither; no wildcards (RFC 5922 s7.1, s7.2).
    """
    names: tuple[tuple[str, str], ...] = certificate.get("subjectAltName", ())
    found = [_sip_domain(value) for kind, value in names if kind == "URI"]
    found = [name for name in found if name]
    if not found:
        found = [value for kind, value in names if kind == "DNS"]
    if not found and not names:
        subject: tuple[tuple[tuple[str, str], ...], ...] = certificate.get("subject", ())
        found = [value for part in subject for kind, value in part if kind == "commonName"]
    return frozenset(name.lower().rstrip(".") for name in found)


def _sip_domain(uri: str) -> str:
    """The host of `sip:host`; nothing for another scheme, a user, or anything behind the host."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "sip" or not rest or any(mark in rest for mark in "@:;?"):
        return ""
    return rest


def _context(purpose: int) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # identifies() knows SIP's rules
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        context.load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        missing = next((path for path in (certificate, key) if not path.exists()), certificate)
        raise CertificateError(
            f"The TLS certificate {missing} cannot be read: {error.strerror}."
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{certificate} with {key} is no usable pair: {error}.") from error


def _signed_itself(certificate: Path) -> bool:
    """Whether nobody but itself vouches for a certificate that was loaded before."""
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return True
    return held.issuer == held.subject


def _stamp(paths: Iterable[Path]) -> _Stamp:
    found = []
    for path in paths:
        try:
            seen = path.stat()
        except OSError as error:
            raise CertificateError(
                f"The TLS certificate {path} cannot be read: {error.strerror}."
            ) from error
        found.append((str(path), seen.st_mtime, seen.st_size))
    return tuple(found)
