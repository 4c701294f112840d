"""a=crypto: RFC 4568's own examples, GCM, and lines that must be passed over."""

from __future__ import annotations

import pytest

from media.srtp import BY_SDES_NAME, Crypto, parse_crypto

SHA80 = BY_SDES_NAME[b"AES_CM_128_HMAC_SHA1_80"]
GCM = BY_SDES_NAME[b"AEAD_AES_128_GCM"]
KEY = b"WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"


@pytest.mark.parametrize(
    ("value", "tag", "suite"),
    [
        (b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY, 1, SHA80),
        (b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + b"|2^20", 1, SHA80),
        (b"999 aes_cm_128_hmac_sha1_80 INLINE:" + KEY + b" KDR=0 WSH=64", 999, SHA80),
        (b"2 AEAD_AES_128_GCM inline:" + b"A" * 38, 2, GCM),
    ],
)
def test_taken(value: bytes, tag: int, suite: object) -> None:
    found = parse_crypto(value)
    assert found is not None
    assert (found.tag, found.suite) == (tag, suite)
    assert len(found.master) == found.suite.master_bytes
    assert parse_crypto(found.serialise().partition(b":")[2]) == found


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"1 AES_CM_128_HMAC_SHA1_80",
        b"x AES_CM_128_HMAC_SHA1_80 inline:" + KEY,
        b"1 F8_128_HMAC_SHA1_80 inline:" + KEY,
        b"1 AES_CM_128_HMAC_SHA1_80 mailto:" + KEY,
        b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + b"|2^20|1:4",
        b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + b";inline:" + KEY,
        b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY + b" UNENCRYPTED_SRTP",
        b"1 AES_CM_128_HMAC_SHA1_80 inline:" + KEY[:-4],
        b"1 AES_CM_128_HMAC_SHA1_80 inline:!!!!",
    ],
)
def test_passed_over(value: bytes) -> None:
    assert parse_crypto(value) is None


def test_a_key_is_not_shown() -> None:
    assert "secret" not in repr(Crypto(1, SHA80, b"secret" * 5))
