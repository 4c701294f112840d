"""Plain header lines and parameters: lines.py, and lines.c where the modules are compiled."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proxy
from proxy.sip import lines

NAMES = {b"Via": b"via", b"v": b"via", b"To": b"to"}
TEXT = st.lists(
    st.sampled_from(
        [
            *(b"Via", b"v", b"To", b"X", b"aB", b":", b";", b"=", b'"'),
            *(b"\r\n", b"\r", b"\n", b" ", b"\t"),
        ]
    ),
    max_size=24,
).map(b"".join)


def in_python() -> ModuleType:
    """The module as its source says, whatever is installed in its place."""
    path = Path(proxy.__file__).parent / "sip/lines.py"
    spec = spec_from_file_location("lines_in_python", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PYTHON = in_python()


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (b"Via: a\r\nTo:b", [(b"via", b"Via: a"), (b"to", b"To:b")]),
        (b"v: a:b", [(b"via", b"v: a:b")]),
        (b"To:", [(b"to", b"To:")]),
        (b"", None),
        (b"Via: a\r\n", None),
        (b"Via: a\r\n b", None),
        (b"Via: a\r\n\r\nTo: b", None),
        (b"Via: a\rTo: b", None),
        (b"Via: a\nTo: b", None),
        (b"Via: a\r", None),
        (b"To", None),
        (b"Via : a", None),
        (b"X: a", None),
    ],
)
def test_plain_lines(section: bytes, expected: list[tuple[bytes, bytes]] | None) -> None:
    assert lines.plain_lines(section, NAMES) == expected


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"To: b", b"b"),
        (b"To:\t b \r\n", b"b"),
        (b"To:", b""),
        (b"To: a\r\n  b \r\n\tc", b"a b c"),
        (b"no colon", b"no colon"),
        (b"To: a:b", b"a:b"),
    ],
)
def test_value(raw: bytes, value: bytes) -> None:
    assert lines.value_of(raw) == value
    assert lines.first_value([(b"x", b"X: x"), (b"to", raw), (b"to", b"To: z")], b"to") == value


def test_no_value() -> None:
    assert lines.first_value([(b"x", b"X: x")], b"to") is None
    assert lines.first_value([], b"to") is None


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b";a=b;C;d = e ", ((b"a", b"b"), (b"c", b""), (b"d", b"e"))),
        (b"LR", ((b"lr", b""),)),
        (b"A", ((b"a", b""),)),
        (b"a=b=c", ((b"a", b"b=c"),)),
        (b"a=", ((b"a", b""),)),
        (b";; ;", ()),
        (b"", ()),
        (b";=b", None),
        (b'a="b"', None),
        (b";a" * 63, ((b"a", b""),) * 63),
        (b";a" * 64, None),
    ],
)
def test_plain_params(data: bytes, expected: tuple[tuple[bytes, bytes], ...] | None) -> None:
    assert lines.plain_params(data) == expected


@pytest.mark.parametrize(
    ("message", "auth", "key"),
    [
        (b"", False, False),
        (b"INVITE sip:x SIP/2.0\r\nVia: a\r\n\r\n", False, False),
        *((b"." * n + b"auth", True, False) for n in range(5)),
        *((b"." * n + b"aut", False, False) for n in range(5)),
        (b"uth", False, False),
        (b"\r\nWWW-AUTHenticate: Digest\r\n", True, False),
        (b"Subject: aauuth, aut, author", True, False),
        (b"v=0\r\na=crypto:1 X", False, True),
        (b"v=0\r\nA=Crypto:1 X", False, True),
        (b"v=0\r\nxa=crypto:1 X", False, False),
        (b"a=key-mgmt:mikey", False, True),
        (b"\na=ice-pwd:x", False, True),
        (b"\na=ice-ufrag:x\r\nb=k=", False, False),
        (b"\nk=clear:x", False, True),
        (b"\na=crypto", False, False),
        (b"\nk", False, False),
        (b"Authorization: x\r\n\r\nk=clear:x", True, True),
    ],
)
def test_where_secrets_are(message: bytes, auth: bool, key: bool) -> None:
    for module in (lines, PYTHON):
        assert module.has_auth(message) is auth
        assert module.has_key_line(message) is key


@given(
    st.lists(
        st.sampled_from(
            [b"auth", b"AUTH", b"a", b"u", b"t", b"h", b"a=", b"k=", b"crypto:", b"key-",
             b"ice-pwd:", b"\r\n", b"\n", b" "]
        ),
        max_size=24,
    ).map(b"".join)
)  # fmt: skip
def test_where_secrets_are_in_both(message: bytes) -> None:
    assert lines.has_auth(message) == PYTHON.has_auth(message)
    assert lines.has_key_line(message) == PYTHON.has_key_line(message)


@pytest.mark.parametrize(
    ("data", "part", "expected"),
    [
        (b"a;lr", b";lr", True),
        (b"a;l", b";lr", False),
        (b"", b"a", False),
        (b"a", b"", True),
        (b"", b"", True),
        (b"a\0b", b"\0b", True),
    ],
)
def test_has(data: bytes, part: bytes, expected: bool) -> None:
    assert lines.has(data, part) is expected


def test_lower_case_changes_nothing_else() -> None:
    name = b"A"
    assert lines.plain_params(name) == ((b"a", b""),)
    assert name == b"\x41"


@given(TEXT, TEXT)
def test_both_say_the_same(data: bytes, part: bytes) -> None:
    assert lines.has(data, part[:2]) == PYTHON.has(data, part[:2])
    assert lines.plain_lines(data, NAMES) == PYTHON.plain_lines(data, NAMES)
    assert lines.value_of(data) == PYTHON.value_of(data)
    assert lines.plain_params(data) == PYTHON.plain_params(data)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"aXbYc", b"b"),
        (b"YXbYXdY", b"b"),
        (b"aXY", b""),
        (b"aXb", None),
        (b"aYb", None),
        (b"X" * 3 + b"Y", b"XX"),
    ],
)
def test_between(data: bytes, expected: bytes | None) -> None:
    assert lines.between(data, b"X", b"Y") == expected
    assert PYTHON.between(data, b"X", b"Y") == expected
    assert lines.between(data, b"", b"") == PYTHON.between(data, b"", b"") == b""


@given(TEXT, st.sampled_from([b"\r\n", b"Via", b":", b""]), st.sampled_from([b"\r\n", b";", b""]))
def test_between_in_both(data: bytes, before: bytes, after: bytes) -> None:
    assert lines.between(data, before, after) == PYTHON.between(data, before, after)
