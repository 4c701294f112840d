"""No secret is left, and nothing else is touched."""

from __future__ import annotations

import pytest

from proxy.observe.masking import masked

HEAD = b"REGISTER sip:example.com SIP/2.0\r\nFrom: <sip:a@x>\r\n"
DIGEST = b'Digest username="alice", realm="x", nonce="n0", response="d41d8c", cnonce="c"'


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (HEAD + b"\r\nresponse", HEAD + b"\r\nresponse"),
        (
            HEAD + b"Authorization: " + DIGEST + b"\r\nTo: <sip:b@x>\r\n\r\n",
            HEAD + b'Authorization: Digest username="alice", (masked)\r\nTo: <sip:b@x>\r\n\r\n',
        ),
        (
            HEAD + b"PROXY-authorization:" + DIGEST + b"\r\n\r\n",
            HEAD + b'PROXY-authorization:Digest username="alice", (masked)\r\n\r\n',
        ),
        (
            HEAD + b'Authorization: Digest username="a",\r\n response="f00"\r\nTo: x\r\n\r\n',
            HEAD + b'Authorization: Digest username="a", (masked)\r\nTo: x\r\n\r\n',
        ),
        (
            HEAD + b"Authorization: Bearer tkn\r\n\r\n",
            HEAD + b"Authorization: Bearer (masked)\r\n\r\n",
        ),
        (HEAD + b"Authorization:\r\n\r\n", HEAD + b"Authorization:(masked)\r\n\r\n"),
        (
            b'SIP/2.0 401 U\r\nWWW-Authenticate: Digest realm="x", nonce="abc", qop="auth"\r\n\r\n',
            b'SIP/2.0 401 U\r\nWWW-Authenticate: Digest realm="x", nonce="(masked)", qop="auth"\r\n'
            b"\r\n",
        ),
        (
            HEAD + b"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:S0VZ|2^20|1:4\r\na=x",
            HEAD + b"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(masked)\r\na=x",
        ),
        (
            HEAD + b"\r\nk=clear:S0VZ\r\na=key-mgmt:mikey AQAF\r\na=ice-pwd:x7\r\na=ice-ufrag:u",
            HEAD + b"\r\nk=clear:(masked)\r\na=key-mgmt:mikey(masked)\r\na=ice-pwd:(masked)\r\n"
            b"a=ice-ufrag:u",
        ),
        (
            HEAD + b"Subject: of an author\r\nauthorization: " + DIGEST + b"\r\nContact: x\r\n"
            b'PROXY-AUTHENTICATE: Digest realm="x",\r\n\tOpaque="o", nonce="n"\r\n\r\nk=base64:QQ',
            HEAD + b'Subject: of an author\r\nauthorization: Digest username="alice", (masked)\r\n'
            b'Contact: x\r\nPROXY-AUTHENTICATE: Digest realm="x",\r\n\tOpaque="(masked)", '
            b'nonce="(masked)"\r\n\r\nk=base64:(masked)',
        ),
        (
            b'SIP/2.0 200 OK\r\nAuthentication-Info: rspauth="r", cnonce="c", nextnonce="n"',
            b'SIP/2.0 200 OK\r\nAuthentication-Info: rspauth="(masked)", cnonce="(masked)", '
            b'nextnonce="(masked)"',
        ),
    ],
)
def test_table(message: bytes, left: bytes) -> None:
    assert masked(message) == left


def test_rubbish_comes_through() -> None:
    for rubbish in (
        b"authorization:" * 5000,
        b"Authorization: x\r\n " + b" " * 60_000,
        b'nonce="' * 9000,
    ):
        assert len(masked(rubbish)) <= 2 * len(rubbish)
