"""Whether the certificate that the proxies show over TLS speaks for a domain (RFC 5922)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID
from django.utils.translation import gettext as _

from proxy.settings import ProxySettings
from proxy.transport.tls import identifies

ENDS_SOON = timedelta(days=14)
OF_DOMAIN, OF_NODE = "domain", "node"


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate as far as others look at it."""

    names: tuple[tuple[str, str], ...]
    """As `getpeercert()` gives subjectAltName: (kind, name)."""
    expires_at: datetime
    is_self_signed: bool
    issuer: str = ""
    source: str = ""
    """Whose it is: of the domain alone, or of the node for all that have none."""

    def problems(self, domain: str, now: datetime) -> list[str]:
        """Why others would not believe it for this domain, in sentences."""
        found = []
        if self.expires_at <= now:
            found.append(
                _("The certificate expired on %(expires_at)s.")
                % {"expires_at": self.expires_at.date().isoformat()}
            )
        elif self.expires_at - now < ENDS_SOON:
            found.append(
                _("The certificate expires on %(expires_at)s.")
                % {"expires_at": self.expires_at.date().isoformat()}
            )
        if self.is_self_signed:
            found.append(_("The certificate is self-signed: other domains do not believe it."))
        if not identifies({"subjectAltName": self.names}, domain):
            found.append(_("The certificate does not name %(domain)s.") % {"domain": domain})
        return found

    def as_json(self) -> dict[str, Any]:
        """For a row, and for programs."""
        return {
            "names": [name for _, name in self.names],
            "expires_at": self.expires_at.isoformat(),
            "is_self_signed": self.is_self_signed,
            "issuer": self.issuer,
            "source": self.source,
        }


def served(domain: str, settings: ProxySettings) -> Held | None:
    """What callers of this domain are shown: its own certificate, or the node's."""
    own = read(own_folder(settings) / domain / "cert.pem", source=OF_DOMAIN)
    return own or of_node(settings)


def of_node(settings: ProxySettings) -> Held | None:
    """What callers of domains without a certificate of their own are shown."""
    return read(settings.certificate_paths[0], source=OF_NODE)


def all_served() -> Iterator[tuple[str, Held]]:
    """Every certificate on this machine: the node's under the empty name, then by domain."""
    settings = ProxySettings.from_env()
    node = of_node(settings)
    if node is not None:
        yield "", node
    folder = own_folder(settings)
    for path in sorted(folder.glob("*/cert.pem")):
        held = read(path, source=OF_DOMAIN)
        if held is not None:
            yield path.parent.name, held


def own_folder(settings: ProxySettings) -> Path:
    """Where domains' own certificates lie, each in a folder of its domain's name."""
    return settings.state_dir / "tls" / "domains"


def read(path: Path, *, source: str = "") -> Held | None:
    """The certificate in that file; None where this process can read none."""
    try:
        held = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    is_self_signed = held.issuer == held.subject
    return Held(_names(held), held.not_valid_after_utc, is_self_signed, _issuer(held), source)


def _issuer(held: x509.Certificate) -> str:
    """As people call an authority: its organisation and the name of its certificate."""
    oids = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    found = [part for oid in oids for part in held.issuer.get_attributes_for_oid(oid)]
    return ", ".join(str(part.value) for part in found)


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
