"""find_outside_quotes looks for bytes in leaps; here it is held against the walk byte by byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import ParseError
from proxy.sip.scan import find_outside_quotes


def by_walking(data: bytes, wanted: int, start: int) -> int | None:
    """The definition. None where a quoted string does not end."""
    in_quotes = in_brackets = escaped = False
    for at in range(start, len(data)):
        byte = data[at]
        if in_quotes:
            in_quotes = escaped or byte != ord('"')
            escaped = byte == ord("\\") and not escaped
        elif byte == ord('"'):
            in_quotes = True
        elif byte == wanted and not in_brackets:
            return at
        elif byte in b"<>":
            in_brackets = byte == ord("<")
    return None if in_quotes else -1


@given(
    st.text(alphabet='ab<>",;\\', max_size=24).map(str.encode),
    st.sampled_from([b",", b";"]),
    st.integers(0, 3),
)
def test_the_same_as_walking(data: bytes, wanted: bytes, start: int) -> None:
    expected = by_walking(data, wanted[0], start)
    if expected is None:
        with pytest.raises(ParseError):
            find_outside_quotes(data, wanted, start)
    else:
        assert find_outside_quotes(data, wanted, start) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"<sip:a,b@x>, <sip:c@x>", 11),
        (b"<sip:a@x>,<sip:c@x>", 9),
        (b"a, b", 1),
        (b'"a, b" <sip:a,b@x>, c', 18),
        (b'<sip:a,">",b@x>, c', 15),
        (b"<sip:a,b@x", -1),
        (b"<sip:a@x>", -1),
        (b"", -1),
    ],
)
def test_commas(data: bytes, expected: int) -> None:
    assert find_outside_quotes(data, b",") == expected
