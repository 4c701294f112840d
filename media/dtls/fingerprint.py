"""a=fingerprint (RFC 8122): the hash of a certificate, by which a side is known. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

_HASHES = {b"sha-256": hashlib.sha256, b"sha-384": hashlib.sha384, b"sha-512": hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`algorithm` in small letters, `digest` as bytes."""

    algorithm: bytes
    digest: bytes

    def serialise(self) -> bytes:
        """The attribute, with "fingerprint:"."""
        digest = self.digest.hex(":").upper().encode()
        return b"fingerprint:%b %b" % (self.algorithm, digest)

    @property
    def is_strong(self) -> bool:
        """SHA-256 and up: nothing below is believed (RFC 8122 s5)."""
        return self.algorithm in _HASHES


def parse_fingerprint(value: bytes) -> Fingerprint | None:
    """The fingerprint in the attribute's value; None for rubbish. A weak one is still one."""
    algorithm, _, text = value.strip().partition(b" ")
    try:
        digest = bytes.fromhex(text.replace(b":", b" ").decode("ascii", "replace"))
    except ValueError:
        return None
    return Fingerprint(algorithm.lower(), digest) if digest else None


def fingerprint_of(certificate: bytes, algorithm: bytes = b"sha-256") -> Fingerprint:
    """Of a certificate in DER."""
    return Fingerprint(algorithm, _HASHES[algorithm](certificate).digest())


def matches(certificate: bytes, expected: tuple[Fingerprint, ...]) -> bool:
    """True when a strong fingerprint is that of the certificate (RFC 8122 s5: any one will do)."""
    return any(one.is_strong and fingerprint_of(certificate, one.algorithm) == one
               for one in expected)  # fmt: skip
