"""TLS: the certificate that we show, and whose certificate the far side has shown.

The node's certificate and those of hosted domains (a folder for each: `DOMAIN/cert.pem` and
`key.pem`) are chosen by SNI and read again when their files have changed; handshakes that come
later see the new ones, connections that stand go on.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

_CERTIFICATE: Final = "cert.pem"
_KEY: Final = "key.pem"

_Stamp = tuple[tuple[str, float, int], ...]


class CertificateError(Exception):
    """A certificate or key cannot be used; the message names the file."""


class TlsContexts:
    """The contexts of this node. `server` stays the same object for as long as we listen."""

    __slots__ = (
        "_by_name",
        "_certificate",
        "_domains",
        "_key",
        "_own",
        "_stamp",
        "client",
        "server",
        "verified",
    )

    def __init__(self, certificate: Path, key: Path, domains: Path | None = None) -> None:
        self._certificate = certificate
        self._key = key
        self._domains = domains
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._stamp: _Stamp = ()
        self.server = _context(ssl.PROTOCOL_TLS_SERVER, certificate, key)
        self.server.sni_callback = self._choose
        self._own = self.server
        self.client = self.verified = self.server
        self.reload()

    def reload(self) -> bool:
        """Read all files again if any has changed; whether one had.

        Raises CertificateError and goes on with what it had.
        """
        pairs = list(self._domain_pairs())
        stamp = _stamp((self._certificate, self._key, *(path for _, *two in pairs for path in two)))
        if stamp == self._stamp:
            return False
        own = _context(ssl.PROTOCOL_TLS_SERVER, self._certificate, self._key)
        by_name = {
            name: _context(ssl.PROTOCOL_TLS_SERVER, certificate, key)
            for name, certificate, key in pairs
        }
        verified = _context(ssl.PROTOCOL_TLS_CLIENT, self._certificate, self._key)
        verified.check_hostname = False  # identifies() knows SIP's rules
        verified.load_default_certs()
        client = _context(ssl.PROTOCOL_TLS_CLIENT, self._certificate, self._key)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        self._own, self._by_name = own, by_name
        self.client, self.verified = client, verified
        self._stamp = stamp
        return True

    def _domain_pairs(self) -> Iterable[tuple[str, Path, Path]]:
        if self._domains is None or not self._domains.is_dir():
            return
        for folder in sorted(self._domains.iterdir()):
            certificate, key = folder / _CERTIFICATE, folder / _KEY
            if certificate.exists() and key.exists():
                yield folder.name.lower(), certificate, key

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        """Called by the handshake, with or without SNI."""
        connection.context = self._by_name.get((name or "").lower().rstrip("."), self._own)


def identifies(certificate: Mapping[str, Any], domain: str) -> bool:
    """Whether a verified certificate, as `getpeercert()` gives it, speaks for a SIP domain.

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
    wanted = domain.lower().rstrip(".")
    return any(name.lower().rstrip(".") == wanted for name in found)


def _sip_domain(uri: str) -> str:
    """The host of `sip:host`; nothing for another scheme, a user, or anything behind the host."""
    scheme, _, rest = uri.partition(":")
    if scheme.lower() != "sip" or not rest or any(mark in rest for mark in "@:;?"):
        return ""
    return rest


def _context(purpose: int, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except FileNotFoundError as error:
        missing = next((path for path in (certificate, key) if not path.exists()), certificate)
        raise CertificateError(
            f"The TLS certificate {missing} cannot be read: {error.strerror}."
        ) from error
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{certificate} with {key} is no usable pair: {error}.") from error
    return context


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
