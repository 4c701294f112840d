"""Hours of the week as people write them."""

from __future__ import annotations

from datetime import datetime

import pytest

from proxy.directory.hours import HoursError, is_open, parse_hours

# 2026-11-23 is a Monday.
MONDAY = 23


def at(day: int, clock: str) -> datetime:
    """A time of that week, Monday being 0."""
    hour, _, minute = clock.partition(":")
    return datetime(2026, 11, MONDAY + day, int(hour), int(minute))


@pytest.mark.parametrize(
    ("text", "day", "clock", "expected"),
    [
        ("Mon-Fri 08:00-18:00", 0, "08:00", True),
        ("Mon-Fri 08:00-18:00", 4, "17:59", True),
        ("Mon-Fri 08:00-18:00", 0, "07:59", False),
        ("Mon-Fri 08:00-18:00", 0, "18:00", False),
        ("Mon-Fri 08:00-18:00", 5, "12:00", False),
        ("Mon-Fri 8:00-18:00, Sat 09:00-12:30", 5, "12:29", True),
        ("sat-mon 00:00-24:00", 6, "23:59", True),
        ("sat-mon 00:00-24:00", 1, "00:00", False),
        ("22:00-06:00", 2, "23:00", True),
        ("22:00-06:00", 2, "05:59", True),
        ("22:00-06:00", 2, "06:00", False),
        ("Fri 22:00-06:00", 5, "05:00", True),
        ("Fri 22:00-06:00", 4, "05:00", False),
        ("Sun 22:00-06:00", 0, "05:00", True),
        ("Monday 08:00-09:00", 0, "08:30", True),
        ("", 0, "08:00", False),
    ],
)
def test_hours(text: str, day: int, clock: str, expected: bool) -> None:
    assert is_open(parse_hours(text), at(day, clock)) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Mon", "'Mon' has no times such as 08:00-18:00."),
        ("Mon 8-18", "'8' is no time such as 08:00."),
        ("Mon 08:00-25:00", "'25:00' is no time such as 08:00."),
        ("Mon 08:60-09:00", "'08:60' is no time such as 08:00."),
        ("Mon 08:00-08:00", "'Mon 08:00-08:00' begins when it ends."),
        ("Mon 24:00-08:00", "'Mon 24:00-08:00' begins when the day is over."),
        ("Noday 08:00-09:00", "'noday' is no day such as Mon."),
        ("M 08:00-09:00", "'m' is no day such as Mon."),
        ("08:00-09:00; drop", "'08:00-09:00; drop' has no times such as 08:00-18:00."),
    ],
)
def test_refused(text: str, reason: str) -> None:
    with pytest.raises(HoursError) as refused:
        parse_hours(text)
    assert str(refused.value) == reason
