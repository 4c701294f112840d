"""Rows as JSON: whatever strangers wrote into them comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.encoding import encoded


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], b"[]"),
        ({"a": 1, "b": None, "c": [True, 0.5]}, b'{"a":1,"b":null,"c":[true,0.5]}'),
        (["\N{LATIN SMALL LETTER E WITH ACUTE}"], b'["\xc3\xa9"]'),
        (['"\\\n\0'], b'["\\"\\\\\\n\\u0000"]'),
        (["\ud800"], b'["\\ud800"]'),
        ([2**64], b"[18446744073709551616]"),
        ([-(2**63) - 1], b"[-9223372036854775809]"),
    ],
)
def test_table(value: Any, expected: bytes) -> None:
    assert encoded(value) == expected


ANYTHING = st.text(st.characters(), max_size=20) | st.integers() | st.booleans() | st.none()


@given(st.lists(st.dictionaries(st.text(st.characters(), max_size=5), ANYTHING, max_size=4)))
def test_it_comes_back_in_one_line(rows: list[dict[str, Any]]) -> None:
    line = encoded(rows)
    assert b"\n" not in line
    assert json.loads(line) == rows


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        encoded([object()])
