"""What is kept can be kept by PostgreSQL, and comes back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.location.text import as_text, is_text, kept_call_id


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(b"", True), (b"a b", True), (b"\xc3\xa9", True), (b"\xff", False), (b"a\0", False)],
)
def test_is_text(value: bytes, is_one: bool) -> None:
    assert is_text(value) is is_one
    assert is_text(value + b"\t") is False
    assert is_text(value + b"\x7f") is False


@given(st.binary(max_size=40), st.integers(0, 40))
def test_as_text(value: bytes, longest: int) -> None:
    kept = as_text(value, longest)
    assert is_text(kept)
    assert len(kept) <= longest
    if is_text(value) and len(value) <= longest:
        assert kept == value


@given(st.binary(max_size=200))
def test_call_ids(call_id: bytes) -> None:
    kept = kept_call_id(call_id)
    assert is_text(kept)
    assert len(kept) <= 128
    assert kept_call_id(kept) == kept
