"""The protection profiles that the relay speaks, by their names in SDES and in DTLS. Pure.

Order is preference: GCM is the fastest where the processor has AES, then what every phone knows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """`sdes` as RFC 4568 and RFC 7714 spell it, `dtls` as OpenSSL does; sizes in bytes."""

    sdes: bytes
    dtls: bytes
    key_bytes: int
    salt_bytes: int

    @property
    def master_bytes(self) -> int:
        """Key and salt, as they stand in a=crypto."""
        return self.key_bytes + self.salt_bytes


AEAD_AES_256_GCM = Suite(b"AEAD_AES_256_GCM", b"SRTP_AEAD_AES_256_GCM", 32, 12)
AEAD_AES_128_GCM = Suite(b"AEAD_AES_128_GCM", b"SRTP_AEAD_AES_128_GCM", 16, 12)
AES_CM_128_HMAC_SHA1_80 = Suite(b"AES_CM_128_HMAC_SHA1_80", b"SRTP_AES128_CM_SHA1_80", 16, 14)
AES_CM_128_HMAC_SHA1_32 = Suite(b"AES_CM_128_HMAC_SHA1_32", b"SRTP_AES128_CM_SHA1_32", 16, 14)

SUITES = (
    AEAD_AES_128_GCM,
    AEAD_AES_256_GCM,
    AES_CM_128_HMAC_SHA1_80,
    AES_CM_128_HMAC_SHA1_32,
)
BY_SDES_NAME = {suite.sdes: suite for suite in SUITES}
BY_DTLS_NAME = {suite.dtls: suite for suite in SUITES}
