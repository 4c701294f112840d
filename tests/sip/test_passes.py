"""Credentials that expire: for whom, until when, and that nobody else can make them."""

from __future__ import annotations

import pytest

from proxy.sip import digest
from proxy.sip.passes import LONGEST_SECONDS, make_pass, pass_ha1, read_username

KEY = b"k" * 32
NOW = 1_800_000_000
HA1 = digest.ha1(b"alice", b"example.com", b"secret")


def test_its_password_gives_the_hash_that_is_expected() -> None:
    made = make_pass(KEY, b"alice", b"example.com", HA1, expires_at=NOW + 60)
    assert made.username == b"alice %08x" % (NOW + 60)
    for algorithm in (digest.MD5, digest.SHA256):
        expected = pass_ha1(KEY, made.username, b"example.com", HA1, algorithm, wall=NOW)
        assert expected == digest.ha1(made.username, b"example.com", made.password, algorithm)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": b"x" * 32},
        {"username": b"bob %08x" % (NOW + 60)},
        {"username": b"alice %08x" % (NOW + 61)},
        {"realm": b"example.net"},
        {"ha1": digest.ha1(b"alice", b"example.com", b"a new password")},
    ],
    ids=str,
)
def test_for_nothing_else(changes: dict[str, bytes]) -> None:
    given = {"key": KEY, "username": b"alice %08x" % (NOW + 60), "realm": b"example.com"}
    given |= {"ha1": HA1} | changes
    made = make_pass(KEY, b"alice", b"example.com", HA1, expires_at=NOW + 60)
    other = pass_ha1(
        given["key"], given["username"], given["realm"], given["ha1"], digest.MD5, wall=NOW
    )
    assert other != digest.ha1(given["username"], given["realm"], made.password)


@pytest.mark.parametrize(
    ("wall", "is_good"),
    [
        (NOW, True),
        (NOW + 59.9, True),
        (NOW + 60, False),
        (NOW + 60 - LONGEST_SECONDS, True),
        (NOW + 60 - LONGEST_SECONDS - 1, False),
    ],
)
def test_until_when(wall: float, is_good: bool) -> None:
    username = b"alice %08x" % (NOW + 60)
    found = pass_ha1(KEY, username, b"example.com", HA1, digest.MD5, wall=wall)
    assert (found is not None) is is_good


def test_a_user_without_a_password_has_none() -> None:
    username = b"alice %08x" % (NOW + 60)
    assert pass_ha1(KEY, username, b"example.com", b"", digest.MD5, wall=NOW) is None


@pytest.mark.parametrize(
    ("username", "expected"),
    [
        (b"alice 0000000f", (b"alice", 15)),
        (b"alice", None),
        (b"", None),
        (b" 0000000f", None),
        (b"alice 0000000F", None),
        (b"alice 000000f", None),
        (b"alice 00000000f", None),
        (b"alice 0000000g", None),
        (b"alice -000000f", None),
    ],
)
def test_usernames(username: bytes, expected: tuple[bytes, int] | None) -> None:
    assert read_username(username) == expected
