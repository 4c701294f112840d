"""Instants as PostgreSQL and Python read them back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.text import as_instant, as_text


@given(st.floats(0.0, 4e9))
def test_instant_is_the_same_to_the_microsecond(wall: float) -> None:
    written = datetime.fromisoformat(as_instant(wall))
    assert abs(written - datetime.fromtimestamp(wall, UTC)) <= timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000000+00:00"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250000+00:00"),
        (1_700_000_000.9999999, "2023-11-14T22:13:21.000000+00:00"),
    ],
)
def test_instant(wall: float, text: str) -> None:
    assert as_instant(wall) == text


def test_text_has_no_nul_and_an_end() -> None:
    assert as_text(b"a\0b\xff") == "ab\N{REPLACEMENT CHARACTER}"
    assert len(as_text(b"a" * 1000)) == 500
