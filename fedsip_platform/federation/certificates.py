"""Whether the certificate that the proxies show over TLS speaks for a domain (RFC 5922)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from proxy.transport.tls import identifies

ENDS_SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate as far as others look at it."""

    names: tuple[tuple[str, str], ...]
    """As `getpeercert()` gives subjectAltName: (kind, name)."""
    expires_at: datetime
    is_self_signed: bool

    def problems(self, domain: str, now: datetime) -> list[str]:
        """Why others would not believe it for this domain, in sentences."""
        found = []
        if self.expires_at <= now:
            found.append(f"The certificate expired on {self.expires_at:%Y-%m-%d}.")
        elif self.expires_at - now < ENDS_SOON:
            found.append(f"The certificate expires on {self.expires_at:%Y-%m-%d}.")
        if self.is_self_signed:
            found.append("The certificate is self-signed: other domains do not believe it.")
        if not identifies({"subjectAltName": self.names}, domain):
            found.append(f"The certificate does not name {domain}.")
        return found

    def as_json(self) -> dict[str, Any]:
        """For a row, and for programs."""
        return {
            "names": [name for _, name in self.names],
            "expires_at": self.expires_at.isoformat(),
            "is_self_signed": self.is_self_signed,
        }


def read(path: Path) -> Held | None:
    """The certificate in that file; None where this process can read none."""
    try:
        held = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    return Held(_names(held), held.not_valid_after_utc, held.issuer == held.subject)


def _names(held: x509.Certificate) -> tuple[tuple[str, str], ...]:
    try:
        general = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    uris = general.get_values_for_type(x509.UniformResourceIdentifier)
    return (
        *(("URI", uri) for uri in uris),
        *(("DNS", name) for name in general.get_values_for_type(x509.DNSName)),
    )
