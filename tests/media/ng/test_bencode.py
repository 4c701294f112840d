"""Bencode as NG's peers write it: sorted or not, whole or hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.ng.bencode import MAX_BYTES, MAX_DEPTH, Value, decode, encode
from media.ng.errors import NgError

VALUES: list[tuple[bytes, Value]] = [
    (b"0:", b""),
    (b"4:pong", b"pong"),
    (b"i0e", 0),
    (b"i-17e", -17),
    (b"le", []),
    (b"l1:ai2ee", [b"a", 2]),
    (b"de", {}),
    (b"d7:command4:pinge", {b"command": b"ping"}),
    (b"d1:bi1e1:ai2ee", {b"a": 2, b"b": 1}),  # not sorted, as rtpengine and Kamailio write
    (b"d1:ai1e1:ai2ee", {b"a": 2}),  # twice: the last one
    (b"d1:bd1:zle1:yleee", {b"b": {b"y": [], b"z": []}}),
]
REFUSED = [
    b"",
    b"d",
    b"l",
    b"i",
    b"ie",
    b"i-e",
    b"i1",
    b"i 1e",
    b"i+1e",
    b"i1_0e",
    b"i99999999999999999999999999999e1:a",
    b"3:ab",
    b":a",
    b"-1:a",
    b"9999999:a",
    b"99999999999999999999999:a",
    b"x",
    b"di1ei2ee",
    b"d1:ae",
    b"d1:a",
    b"leX",
    b"d1:bi1e1:ai2eeX",
    b"l" * (MAX_DEPTH + 1) + b"e" * (MAX_DEPTH + 1),
    b"d1:b" + b"l" * 500 + b"e" * 500 + b"1:ai1ee",
    b"l" * 20_000 + b"e" * 20_000,
    b"%d:" % MAX_BYTES + b"x" * MAX_BYTES,
]


@pytest.mark.parametrize(("data", "value"), VALUES)
def test_values(data: bytes, value: Value) -> None:
    assert decode(data) == value
    for end in range(len(data)):
        with pytest.raises(NgError):
            decode(data[:end])
    with pytest.raises(NgError):
        decode(data + b"e")


@pytest.mark.parametrize("data", REFUSED, ids=range(len(REFUSED)))
def test_refused(data: bytes) -> None:
    with pytest.raises(NgError):
        decode(data)


def test_deepest_allowed() -> None:
    data = b"l" * MAX_DEPTH + b"e" * MAX_DEPTH
    value = decode(data)
    assert encode(value) == data
    unsorted = b"d1:b" + b"l" * (MAX_DEPTH - 1) + b"e" * (MAX_DEPTH - 1) + b"1:ai1ee"
    assert isinstance(decode(unsorted), dict)


VALUE = st.recursive(
    st.binary(max_size=20) | st.integers(-(2**62), 2**62),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=9), inner),
    max_leaves=8,
)


@given(VALUE)
def test_what_is_written_is_read(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=80) | st.lists(st.sampled_from(list(b"dile0123456789:-a"))).map(bytes))
def test_any_bytes(data: bytes) -> None:
    try:
        value = decode(data)
    except NgError:
        return
    assert decode(encode(value)) == value
