"""URIs: parsed, written, changed, compared (RFC 3261 s19.1, RFC 3966)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import ParseError
from proxy.sip.uri import (
    OtherUri,
    SipUri,
    TelUri,
    canonical_aor,
    parse_uri,
    split_host_port,
    unescape,
)


def sip(data: bytes) -> SipUri:
    uri = parse_uri(data)
    assert isinstance(uri, SipUri)
    return uri


@pytest.mark.parametrize(
    ("data", "scheme", "user", "host", "port", "params", "headers"),
    [
        (b"sip:example.com", b"sip", None, b"example.com", None, (), b""),
        (b"sip:alice@example.com", b"sip", b"alice", b"example.com", None, (), b""),
        (b"sips:alice@example.com:5071", b"sips", b"alice", b"example.com", 5071, (), b""),
        (b"SIP:a@b", b"sip", b"a", b"b", None, (), b""),
        (b"sip:a@[2001:db8::1]:5060", b"sip", b"a", b"[2001:db8::1]", 5060, (), b""),
        (b"sip:[::1]", b"sip", None, b"[::1]", None, (), b""),
        (
            b"sip:a@b;Transport=TCP;lr",
            b"sip",
            b"a",
            b"b",
            None,
            ((b"transport", b"TCP"), (b"lr", b"")),
            b"",
        ),
        (b"sip:a@b?subject=x&to=y", b"sip", b"a", b"b", None, (), b"subject=x&to=y"),
        (b"sip:a;b?c/d@e", b"sip", b"a;b?c/d", b"e", None, (), b""),
        (b"sip:%61%40@b", b"sip", b"%61%40", b"b", None, (), b""),
        (b"sip:*72#@b", b"sip", b"*72#", b"b", None, (), b""),
        (b"sip:a_b@under_score.example", b"sip", b"a_b", b"under_score.example", None, (), b""),
    ],
)
def test_sip(
    data: bytes,
    scheme: bytes,
    user: bytes | None,
    host: bytes,
    port: int | None,
    params: tuple[tuple[bytes, bytes], ...],
    headers: bytes,
) -> None:
    uri = sip(data)
    assert (uri.scheme, uri.user, uri.host, uri.port) == (scheme, user, host, port)
    assert (uri.params, uri.headers) == (params, headers)
    assert uri.serialise() == data


def test_password() -> None:
    uri = sip(b"sip:alice:secret@example.com")
    assert (uri.user, uri.password) == (b"alice", b"secret")
    assert uri.with_(host=b"x").serialise() == b"sip:alice:secret@x"
    assert uri.with_(user=b"bob").serialise() == b"sip:bob@example.com"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"sip:",
        b"sip",
        b":a@b",
        b"sip:@b",
        b"sip:a@",
        b"sip:a@b:",
        b"sip:a@b:x",
        b"sip:a@b:65536",
        b"sip:a b@c",
        b"sip:a@b c",
        b"sip:a@b;p=x y",
        b"sip:a%4@b",
        b"sip:a%zz@b",
        b"sip:a@b;p=%1",
        b"sip:a@[::1",
        b"sip:a@[]",
        b"sip:a@[::1]x",
        b"sip:a@[example]",
        b"sip:a@b?",
        b"sip:a@b?x y",
        b"sip:a\r\nX: y@b",
        b"sip:a@b\r\n",
        b"sip:a\x00@b",
        b"sip:a@b;;=c",
        b"tel:",
        b"tel:hello world",
        b"1x:y",
        b"http://a b",
        b"x y:z",
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_uri(data)


@pytest.mark.parametrize(
    ("data", "number", "params"),
    [
        (b"tel:+15551234567", b"+15551234567", ()),
        (b"tel:7042;phone-context=example.com", b"7042", ((b"phone-context", b"example.com"),)),
        (b"tel:+1-201-555-0123;ext=9", b"+1-201-555-0123", ((b"ext", b"9"),)),
    ],
)
def test_tel(data: bytes, number: bytes, params: tuple[tuple[bytes, bytes], ...]) -> None:
    uri = parse_uri(data)
    assert isinstance(uri, TelUri)
    assert (uri.number, uri.params, uri.serialise()) == (number, params, data)
    assert uri == parse_uri(data)
    assert uri != parse_uri(b"tel:1")
    assert len({uri, parse_uri(data)}) == 1


def test_others_are_carried() -> None:
    uri = parse_uri(b"mailto:alice@example.com?subject=x")
    assert isinstance(uri, OtherUri)
    assert (uri.scheme, uri.serialise()) == (b"mailto", b"mailto:alice@example.com?subject=x")
    assert uri == parse_uri(uri.serialise())
    assert len({uri, parse_uri(uri.serialise())}) == 1


def test_long_ones_are_parsed_without_being_remembered() -> None:
    data = b"sip:" + b"a" * 300 + b"@example.com"
    assert sip(data).user == b"a" * 300


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (b"example.com", "example.com"),
        (b"[2001:db8::1]", "2001:db8::1"),
        (b"[2001:db8:::192.0.2.1]", "2001:db8::192.0.2.1"),
    ],
)
def test_host_text(host: bytes, text: str) -> None:
    assert SipUri(b"sip", None, host).host_text == text


def test_parts_that_are_asked_for() -> None:
    uri = sip(b"sips:a@b;transport=TLS;lr;x=1")
    assert uri.is_sips
    assert uri.transport == b"tls"
    assert uri.has_param(b"lr")
    assert uri.param(b"lr") == b""
    assert uri.param(b"y") is None
    assert sip(b"sip:a@b").transport is None


def test_changes_make_others() -> None:
    uri = sip(b"sip:a@b:5070;lr;x=1?h=v")
    assert uri.with_(user=None).serialise() == b"sip:b:5070;lr;x=1?h=v"
    assert uri.with_(port=None, params=(), headers=b"").serialise() == b"sip:a@b"
    assert uri.with_(scheme=b"sips", host=b"c", port=1).serialise() == b"sips:a@c:1;lr;x=1?h=v"
    assert uri.with_param(b"x", b"2").serialise() == b"sip:a@b:5070;lr;x=2?h=v"
    assert uri.with_param(b"ob", b"").serialise() == b"sip:a@b:5070;lr;x=1;ob?h=v"
    assert uri.without_params(b"x").serialise() == b"sip:a@b:5070;lr?h=v"
    assert uri.without_params(b"y") is uri
    assert uri.serialise() == b"sip:a@b:5070;lr;x=1?h=v"


# The examples of s19.1.4, and what they mean.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"sip:%61lice@atlanta.com;transport=TCP", b"sip:alice@AtLanTa.CoM;Transport=tcp"),
        (b"sip:carol@chicago.com", b"sip:carol@chicago.com;newparam=5"),
        (b"sip:carol@chicago.com", b"sip:carol@chicago.com;security=on"),
        (b"sip:carol@chicago.com;newparam=5", b"sip:carol@chicago.com;security=on"),
        (
            b"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            b"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            b"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            b"sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ],
)
def test_equivalent(one: bytes, other: bytes) -> None:
    assert sip(one).matches(sip(other))
    assert sip(other).matches(sip(one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"SIP:ALICE@AtLanTa.CoM;Transport=udp", b"sip:alice@AtLanTa.CoM;Transport=UDP"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:5060"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com;transport=udp"),
        (b"sip:bob@biloxi.com", b"sip:bob@biloxi.com:6000;transport=tcp"),
        (b"sip:carol@chicago.com", b"sip:carol@chicago.com?Subject=next%20meeting"),
        (b"sip:bob@phone21.boxesbybob.com", b"sip:bob@192.0.2.4"),
        (b"sip:carol@chicago.com;security=on", b"sip:carol@chicago.com;security=off"),
        (b"sip:a@b", b"sips:a@b"),
        (b"sip:a:x@b", b"sip:a@b"),
        (b"sip:a%40@b", b"sip:a%2540@b"),
        (b"sip:a@b", b"sip:b"),
    ],
)
def test_not_equivalent(one: bytes, other: bytes) -> None:
    assert not sip(one).matches(sip(other))
    assert not sip(other).matches(sip(one))


def test_equal_and_hashed_by_text() -> None:
    assert sip(b"sip:a@b") == SipUri(b"sip", b"a", b"b")
    assert sip(b"sip:a@b") != sip(b"sip:a@b;x")
    assert sip(b"sip:a@b") != b"sip:a@b"
    assert len({sip(b"sip:a@b"), SipUri(b"sip", b"a", b"b")}) == 1
    assert repr(sip(b"sip:a@b")) == "SipUri(b'sip:a@b')"


@pytest.mark.parametrize(
    ("user", "host", "aor"),
    [
        (b"Alice", b"Example.COM", b"alice@example.com"),
        (b"%41lice", b"example.com.", b"alice@example.com"),
        (b"a%40b", b"x", b"a@b@x"),
        (b"", b"x", b"@x"),
    ],
)
def test_aor(user: bytes, host: bytes, aor: bytes) -> None:
    assert canonical_aor(user, host) == aor
    assert SipUri(b"sip", user, host, 5060, ((b"x", b"1"),)).aor() == aor


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", b"plain"),
        (b"%41%62", b"Ab"),
        (b"100%", b"100%"),
        (b"%4", b"%4"),
        (b"%zz%41", b"%zzA"),
        (b"%00", b"\0"),
    ],
)
def test_unescape(data: bytes, text: bytes) -> None:
    assert unescape(data) == text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a", (b"a", None)),
        (b"a:1", (b"a", 1)),
        (b"[::1]", (b"[::1]", None)),
        (b"[::1]:65535", (b"[::1]", 65535)),
    ],
)
def test_host_and_port(data: bytes, expected: tuple[bytes, int | None]) -> None:
    assert split_host_port(data) == expected


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """A URI that gives its text back, or ParseError."""
    for text in (data, b"sip:" + data, b"sip:a@" + data, b"tel:" + data):
        try:
            uri = parse_uri(text)
        except ParseError:
            continue
        again = parse_uri(uri.serialise())
        assert again == uri
        assert b"\r" not in uri.serialise()
        assert b"\n" not in uri.serialise()


_WORD = st.text(alphabet="abcXYZ019-_.!~*'()", min_size=1, max_size=8).map(str.encode)


@given(
    st.sampled_from([b"sip", b"sips"]),
    st.none() | _WORD,
    st.sampled_from([b"example.com", b"192.0.2.1", b"[2001:db8::1]"]),
    st.none() | st.integers(0, 65535),
    st.lists(st.tuples(_WORD.map(bytes.lower), st.just(b"") | _WORD), max_size=4).map(tuple),
)
def test_what_is_written_is_read(
    scheme: bytes,
    user: bytes | None,
    host: bytes,
    port: int | None,
    params: tuple[tuple[bytes, bytes], ...],
) -> None:
    made = SipUri(scheme, user, host, port, params)
    read = sip(made.serialise())
    assert (read.scheme, read.user, read.host, read.port) == (scheme, user, host, port)
    assert read.params == params
    assert made.matches(read)
