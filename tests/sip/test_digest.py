"""Digest: the RFC's own figures, nonces, replays, and equal answers for all who are wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip import digest
from proxy.sip.digest import MD5, SHA256, NonceCounts, Verdict
from proxy.sip.fields import Credentials, parse_credentials

SECRET = b"s" * 32
NOW = 1_700_000_000.0


def test_the_example_of_rfc_7616() -> None:
    """s3.9.1, both algorithms."""
    nonce = b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    cnonce = b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    for algorithm, expected in (
        (MD5, b"8ca523f5e9506fed4657c9700eebdbec"),
        (SHA256, b"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        ha1 = digest.ha1(b"Mufasa", b"http-auth@example.org", b"Circle of Life", algorithm)
        found = digest.digest_response(
            ha1,
            b"GET",
            b"/dir/index.html",
            nonce,
            algorithm=algorithm,
            qop=b"auth",
            nc=b"00000001",
            cnonce=cnonce,
        )
        assert found == expected


def test_the_example_of_rfc_2617_without_qop() -> None:
    ha1 = digest.ha1(b"bob", b"biloxi.com", b"zanzibar")
    nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093"
    found = digest.digest_response(ha1, b"INVITE", b"sip:bob@biloxi.com", nonce)
    assert found == b"bf57e4e0d0bffc0fbaedce64d59add5e"


def test_auth_int_covers_the_body() -> None:
    ha1 = digest.ha1(b"bob", b"biloxi.com", b"zanzibar")
    nonce = b"dcd98b7102dd2f0e8b11d0f600bfb0c093"

    def respond(body: bytes) -> bytes:
        return digest.digest_response(
            ha1,
            b"INVITE",
            b"sip:bob@biloxi.com",
            nonce,
            qop=b"auth-int",
            nc=b"00000001",
            cnonce=b"0a4f113b",
            body=body,
        )

    assert respond(b"v=0\r\n") != respond(b"")


def test_nonce_has_its_age() -> None:
    nonce = digest.make_nonce(SECRET, wall=NOW, unique=b"1")
    assert digest.nonce_age(nonce, SECRET, wall=NOW + 7.5) == 7.5
    assert digest.nonce_age(nonce, b"other", wall=NOW) is None
    assert digest.nonce_age(nonce[:-1] + b"!", SECRET, wall=NOW) is None
    assert digest.nonce_age(b"f" + nonce, SECRET, wall=NOW) is None
    assert nonce != digest.make_nonce(SECRET, wall=NOW, unique=b"2")


@given(st.binary(max_size=60))
def test_any_nonce(data: bytes) -> None:
    assert digest.nonce_age(data, SECRET, wall=NOW) is None


def test_challenge_strongest_first() -> None:
    values = digest.make_challenge(b"example.com", SECRET, wall=NOW, unique=b"1", stale=True)
    challenges = [parse_credentials(value) for value in values]
    assert [one.param(b"algorithm") for one in challenges] == [SHA256, MD5]
    assert {one.param(b"realm") for one in challenges} == {b"example.com"}
    assert {one.param(b"stale") for one in challenges} == {b"true"}
    assert {one.param(b"qop") for one in challenges} == {b"auth,auth-int"}
    (alone,) = digest.make_challenge(b"x", SECRET, wall=NOW, unique=b"1", algorithms=(MD5,))
    assert parse_credentials(alone).param(b"stale") is None


class User:
    """alice, and what she sends."""

    def __init__(self) -> None:
        self.nonce = digest.make_nonce(SECRET, wall=NOW, unique=b"1")
        self.replay = NonceCounts()

    def credentials(self, *, password: bytes = b"secret", **changes: bytes | None) -> Credentials:
        algorithm = changes.get("algorithm") or MD5
        qop = changes.get("qop", b"auth")
        given: dict[str, bytes | None] = {
            "algorithm": algorithm,
            "username": b"alice",
            "realm": b"example.com",
            "nonce": self.nonce,
            "uri": b"sip:example.com",
            "qop": qop,
            "nc": b"00000001",
            "cnonce": b"c",
        } | changes
        hash_of = algorithm.upper() if algorithm.upper() in (MD5, SHA256) else MD5
        given.setdefault(
            "response",
            digest.digest_response(
                digest.ha1(b"alice", b"example.com", password, hash_of),
                b"REGISTER",
                given["uri"] or b"",
                given["nonce"] or b"",
                algorithm=hash_of,
                qop=qop,
                nc=given["nc"] or b"",
                cnonce=given["cnonce"] or b"",
                body=b"body",
            ),
        )
        params = {name.encode(): value for name, value in given.items() if value is not None}
        return Credentials(b"Digest", params)

    def verify(self, credentials: Credentials, *, known: bool = True, wall: float = NOW) -> Verdict:
        return digest.verify(
            credentials,
            b"REGISTER",
            b"sip:example.com",
            lambda algorithm: (
                digest.ha1(b"alice", b"example.com", b"secret", algorithm) if known else None
            ),
            SECRET,
            wall=wall,
            replay=self.replay,
            body=b"body",
        )


@pytest.mark.parametrize("algorithm", [MD5, SHA256, b"md5", b"sha-256"])
@pytest.mark.parametrize("qop", [None, b"auth", b"auth-int", b"AUTH"])
def test_right(algorithm: bytes, qop: bytes | None) -> None:
    user = User()
    lowered = None if qop is None else qop.lower()
    credentials = user.credentials(algorithm=algorithm, qop=lowered)
    if qop is not None:
        credentials.params[b"qop"] = qop
    assert user.verify(credentials) is Verdict.OK


def test_wrong_and_unknown_are_the_same() -> None:
    user = User()
    assert user.verify(user.credentials(password=b"guess")) is Verdict.WRONG
    assert user.verify(user.credentials(), known=False) is Verdict.WRONG
    assert user.verify(user.credentials(response=b"")) is Verdict.WRONG


def test_upper_case_hexadecimal_is_right() -> None:
    user = User()
    credentials = user.credentials()
    credentials.params[b"response"] = credentials.params[b"response"].upper()
    assert user.verify(credentials) is Verdict.OK


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"uri": None},
        {"response": None},
        {"algorithm": b"SHA-512-256"},
        {"qop": b"auth-conf", "response": b"x"},
        {"cnonce": None},
        {"nc": None},
        {"nc": b"1"},
        {"nc": b"00000000"},
        {"nc": b"0000000g"},
        {"nc": b"000000001"},
    ],
)
def test_malformed(changes: dict[str, bytes | None]) -> None:
    user = User()
    assert user.verify(user.credentials(**changes)) is Verdict.MALFORMED


def test_old_or_foreign_nonces_are_stale() -> None:
    user = User()
    assert user.verify(user.credentials(), wall=NOW + 300) is Verdict.OK
    user = User()
    assert user.verify(user.credentials(), wall=NOW + 301) is Verdict.STALE
    assert user.verify(user.credentials(nonce=b"made-by-others")) is Verdict.STALE


def test_a_count_serves_once() -> None:
    user = User()
    assert user.verify(user.credentials(nc=b"00000002")) is Verdict.OK
    assert user.verify(user.credentials(nc=b"00000002")) is Verdict.STALE
    assert user.verify(user.credentials(nc=b"00000001")) is Verdict.STALE
    assert user.verify(user.credentials(nc=b"0000000a")) is Verdict.OK


def test_without_qop_there_is_no_count() -> None:
    user = User()
    credentials = user.credentials(qop=None)
    assert user.verify(credentials) is Verdict.OK
    assert user.verify(credentials) is Verdict.OK


def test_oldest_counts_are_forgotten() -> None:
    counts = NonceCounts(limit=2)
    assert counts.is_new(b"1", 1)
    assert counts.is_new(b"2", 1)
    assert counts.is_new(b"3", 1)
    assert counts.is_new(b"1", 1)
    assert not counts.is_new(b"3", 1)
