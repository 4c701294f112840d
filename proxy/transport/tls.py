"""TLS contexts: the certificate that we show, and how we look at the others'."""

from __future__ import annotations

import ssl
from pathlib import Path


class CertificateError(Exception):
    """A certificate or key cannot be used; the message names the file."""


class TlsContexts:
    """The server's and the client's context, made anew when the files have changed.

    Certificates of hosted domains are added by `add(domain, ...)` and chosen by SNI; who names
    none of them gets the node's own.
    """

    __slots__ = ("_by_name", "_certificate", "_key", "_stamp", "client", "server", "verified")

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._by_name: dict[str, ssl.SSLContext] = {}
        self._stamp = (0.0, 0.0)
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.verified = ssl.create_default_context()
        self.reload()

    def reload(self) -> bool:
        """Read the files again if they changed; whether they did."""
        try:
            stamp = (self._certificate.stat().st_mtime, self._key.stat().st_mtime)
        except OSError as error:
            raise CertificateError(
                f"The TLS certificate {error.filename} cannot be read: {error.strerror}."
            ) from error
        if stamp == self._stamp:
            return False
        server = _server_context(self._certificate, self._key)
        server.sni_callback = self._choose
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.minimum_version = ssl.TLSVersion.TLSv1_2
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        client.load_cert_chain(self._certificate, self._key)
        self.verified = ssl.create_default_context()
        self.verified.minimum_version = ssl.TLSVersion.TLSv1_2
        self.verified.load_cert_chain(self._certificate, self._key)
        self.server, self.client, self._stamp = server, client, stamp
        return True

    def add(self, domain: str, certificate: Path, key: Path) -> None:
        """Show this certificate to who asks for the domain."""
        self._by_name[domain.lower()] = _server_context(certificate, key)

    def _choose(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None and (chosen := self._by_name.get(name.lower())) is not None:
            connection.context = chosen


def _server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{certificate} with {key} is no usable pair: {error}.") from error
    return context
