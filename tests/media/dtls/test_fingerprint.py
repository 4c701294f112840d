"""a=fingerprint: read, written, and believed only from SHA-256 up."""

from __future__ import annotations

import pytest

from media.dtls import Fingerprint, fingerprint_of, matches, parse_fingerprint

CERTIFICATE = b"any bytes do"


@pytest.mark.parametrize("algorithm", [b"sha-256", b"sha-384", b"sha-512"])
def test_round_trip(algorithm: bytes) -> None:
    found = fingerprint_of(CERTIFICATE, algorithm)
    assert parse_fingerprint(found.serialise().partition(b":")[2]) == found
    assert found.is_strong
    assert matches(CERTIFICATE, (found,))
    assert not matches(CERTIFICATE + b"!", (found,))


def test_small_letters_and_spaces() -> None:
    found = fingerprint_of(CERTIFICATE)
    text = b" SHA-256 " + found.digest.hex(":").encode() + b" "
    assert parse_fingerprint(text) == found


def test_any_of_several_will_do() -> None:
    wrong, right = Fingerprint(b"sha-256", bytes(32)), fingerprint_of(CERTIFICATE, b"sha-512")
    assert matches(CERTIFICATE, (wrong, right))
    assert not matches(CERTIFICATE, (wrong,))
    assert not matches(CERTIFICATE, ())


def test_sha_1_is_not_believed() -> None:
    found = parse_fingerprint(b"sha-1 " + b":".join([b"AB"] * 20))
    assert found is not None
    assert not found.is_strong
    assert not matches(CERTIFICATE, (found,))


@pytest.mark.parametrize("value", [b"", b"sha-256", b"sha-256 ", b"sha-256 GG:01", b"sha-256 123"])
def test_rubbish(value: bytes) -> None:
    assert parse_fingerprint(value) is None
