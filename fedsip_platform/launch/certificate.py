"""A self-signed certificate for a machine that has none of its own.

Good enough for a first call and for browsers that are told to trust it; FEDSIP_TLS_CERT and
FEDSIP_TLS_KEY name a real one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fedsip_platform.launch.state import StateFolder

LIFETIME = timedelta(days=825)
RENEW_BEFORE = timedelta(days=30)


def ensure(state: StateFolder, names: Iterable[str], *, today: datetime) -> tuple[Path, Path]:
    """The paths of certificate and key, made anew when missing, expiring or for other names."""
    certificate, key = state.tls / "cert.pem", state.tls / "key.pem"
    wanted = list(dict.fromkeys(names))
    if key.exists() and _serves(certificate, wanted, today):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    made = _self_signed(private, wanted, today).public_bytes(serialization.Encoding.PEM)
    state.write_private(key, pem.decode())
    state.write_private(certificate, made.decode())
    return certificate, key


def fingerprint(certificate: Path) -> str:
    """SHA-256 as browsers show it, to compare by eye."""
    digest = x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def is_vouched_for(certificate: Path) -> bool:
    """Whether somebody else has signed it; False where there is none that can be read."""
    try:
        held = x509.load_pem_x509_certificate(certificate.read_bytes())
    except (OSError, ValueError):
        return False
    return held.issuer != held.subject


def _serves(certificate: Path, names: list[str], today: datetime) -> bool:
    if not certificate.exists():
        return False
    held = x509.load_pem_x509_certificate(certificate.read_bytes())
    if held.not_valid_after_utc - RENEW_BEFORE < today:
        return False
    alternatives = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    held_names = set(alternatives.get_values_for_type(x509.DNSName))
    # An address that came later (DHCP, a VPN) does not change the certificate people accepted.
    return all(_is_address(name) or name in held_names for name in names)


def _self_signed(
    key: ec.EllipticCurvePrivateKey, names: list[str], today: datetime
) -> x509.Certificate:
    title = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "fedsip (self-signed)"),
            x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64]),
        ]
    )
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(title)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(hours=1))
        .not_valid_after(today + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        .sign(key, hashes.SHA256())
    )


def _general(name: str) -> x509.GeneralName:
    if _is_address(name):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
