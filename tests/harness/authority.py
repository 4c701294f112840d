"""An authority that vouches for certificates, as those of the internet do for domains."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """`trust` is the PEM file that makes somebody believe it."""

    def __init__(self, folder: Path, name: str = "Authority of the tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.trust = folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _titled(name)
        made = _begun(self._name, self._key).issuer_name(self._name)
        basic = x509.BasicConstraints(ca=True, path_length=None)
        signed = made.add_extension(basic, critical=True).sign(self._key, hashes.SHA256())
        self.trust.write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, folder: Path, *names: str) -> tuple[Path, Path]:
        """`cert.pem` and `key.pem` for DNS names, and for SIP domains as `sip:example.com`."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _written(folder, _made(names, key).issuer_name(self._name), key, self._key)


def signed_by_itself(folder: Path, *names: str) -> tuple[Path, Path]:
    """As an authority issues it, but nobody else vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _written(folder, _made(names, key).issuer_name(_titled(names[0])), key, key)


def _made(names: Sequence[str], key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    general: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(name) if ":" in name else x509.DNSName(name)
        for name in names
    ]
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    return (
        _begun(_titled(names[0]), key)
        .add_extension(x509.SubjectAlternativeName(general), critical=False)
        .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
    )


def _written(
    folder: Path,
    made: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    certificate, private = folder / "cert.pem", folder / "key.pem"
    signed = made.sign(signer, hashes.SHA256())
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def _titled(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
