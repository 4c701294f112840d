"""The token bucket, on a clock of the test's own."""

from __future__ import annotations

import pytest

from fedsip_platform.api import throttles
from fedsip_platform.api.throttles import Buckets


def test_bucket_empties_and_fills() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 2, now=0.0) for _ in range(3)] == [0, 0, 30.0]
    assert buckets.take("b", 2, now=0.0) == 0
    assert buckets.take("a", 2, now=29.0) == pytest.approx(1)
    assert buckets.take("a", 2, now=30.0) == 0
    assert [buckets.take("a", 2, now=1000.0) for _ in range(3)] == [0, 0, 30.0]


def test_buckets_are_bounded() -> None:
    buckets = Buckets()
    for number in range(throttles.MOST_KEYS + 1):
        buckets.take(str(number), 1, now=0.0)
    assert buckets.take("1", 1, now=0.0) > 0
    assert buckets.take("0", 1, now=0.0) == 0  # forgotten, so full again
