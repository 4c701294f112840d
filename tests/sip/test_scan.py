"""Tokens, numbers, quoted strings, parameters and comma lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import ParseError
from proxy.sip.scan import (
    MAX_PARAMS,
    is_token,
    parse_number,
    parse_params,
    quote,
    serialise_params,
    skip_quoted,
    split_values,
    unquote,
)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"INVITE", True),
        (b"a-b.c!d%e*f_g+h`i'j~k", True),
        (b"", False),
        (b"a b", False),
        (b"a@b", False),
        (b"a\xc3\xa4", False),
        (b'"a"', False),
    ],
)
def test_token(data: bytes, expected: bool) -> None:
    assert is_token(data) is expected


@pytest.mark.parametrize(
    ("data", "most", "expected"),
    [
        (b"0", 10, 0),
        (b"10", 10, 10),
        (b"0" * 30 + b"7", 10, 7),
        (b"0" * 30, 10, 0),
    ],
)
def test_number(data: bytes, most: int, expected: int) -> None:
    assert parse_number(data, most=most, what="it") == expected


@pytest.mark.parametrize("data", [b"", b"-1", b"+1", b"1 ", b"x", b"11", b"9" * 5000, b"\xd9\xa3"])
def test_no_number(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_number(data, most=10, what="it")


@pytest.mark.parametrize(
    ("data", "end"),
    [(b'""', 2), (b'"a"b', 3), (rb'"a\"b"c', 6), (rb'"a\\"c', 5), (b'"a;,<b"', 7)],
)
def test_skip_quoted(data: bytes, end: int) -> None:
    assert skip_quoted(data, 0) == end


@pytest.mark.parametrize("data", [b'"', b'"abc', rb'"abc\"', rb'"\\\"'])
def test_quoted_without_end(data: bytes) -> None:
    with pytest.raises(ParseError):
        skip_quoted(data, 0)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"a", [b"a"]),
        (b" a , b ", [b"a", b"b"]),
        (b"a,,b", [b"a", b"", b"b"]),
        (b'"x,y" <sip:a,b@c>;p="1,2", <sip:d@e>', [b'"x,y" <sip:a,b@c>;p="1,2"', b"<sip:d@e>"]),
        (b"", [b""]),
    ],
)
def test_split(data: bytes, values: list[bytes]) -> None:
    assert split_values(data) == values


@pytest.mark.parametrize(
    ("data", "params"),
    [
        (b"", ()),
        (b";a", ((b"a", b""),)),
        (b"a=b", ((b"a", b"b"),)),
        (b" ; A = b ; lr ", ((b"a", b"b"), (b"lr", b""))),
        (b';a="x;y";b', ((b"a", b'"x;y"'), (b"b", b""))),
        (b";;a;;", ((b"a", b""),)),
        (b";a=b=c", ((b"a", b"b=c"),)),
    ],
)
def test_params(data: bytes, params: tuple[tuple[bytes, bytes], ...]) -> None:
    assert parse_params(data) == params


@pytest.mark.parametrize("data", [b";=b", b';a="b', b";a" * (MAX_PARAMS + 1)])
def test_bad_params(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_params(data)


def test_serialise_params() -> None:
    assert serialise_params(()) == b""
    assert serialise_params(((b"a", b"b"), (b"lr", b""))) == b";a=b;lr"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b'"a b"', b"a b"),
        (b"plain", b"plain"),
        (rb'"a\"b\\c"', rb"a\"b\c".replace(rb"\"", b'"')),
        (b'"', b'"'),
        (b'""', b""),
    ],
)
def test_unquote(data: bytes, text: bytes) -> None:
    assert unquote(data) == text


@given(st.binary(max_size=40).filter(lambda data: all(0x20 <= b != 0x7F for b in data)))
def test_quoting_is_undone(data: bytes) -> None:
    quoted = quote(data)
    assert unquote(quoted) == data
    assert skip_quoted(quoted, 0) == len(quoted)


@pytest.mark.parametrize("data", [b"a\r\nb", b"\0", b"\x7f"])
def test_what_cannot_be_quoted(data: bytes) -> None:
    with pytest.raises(ParseError):
        quote(data)
