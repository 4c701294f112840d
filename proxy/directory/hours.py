"""Hours of the week in which something holds, as people write them. Pure.

`Mon-Fri 08:00-18:00, Sat 09:00-12:30`: days (one, a range, or none for every day) and times, parts
separated by commas. A time that ends before it begins goes on into the next day; 24:00 ends a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_OF_DAY: Final = 24 * 60


class HoursError(Exception):
    """The text says no hours; the message is a sentence for who wrote it."""


@dataclass(frozen=True, slots=True)
class Span:
    """Some days, each from a minute of the day on until another one."""

    days: frozenset[int]
    begin: int
    end: int

    def has(self, day: int, minute: int) -> bool:
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        is_before_midnight = day in self.days and minute >= self.begin
        return is_before_midnight or ((day - 1) % 7 in self.days and minute < self.end)


def parse_hours(text: str) -> tuple[Span, ...]:
    """The spans that a text names, none for an empty text; raises HoursError."""
    return tuple(_span(part.strip()) for part in text.split(",") if part.strip())


def is_open(hours: tuple[Span, ...], local: datetime) -> bool:
    """Whether a local time is within any of the spans."""
    minute = local.hour * 60 + local.minute
    return any(span.has(local.weekday(), minute) for span in hours)


def _span(part: str) -> Span:
    days_text, _, times = part.rpartition(" ")
    if "-" not in times or not times[:1].isdigit():
        raise HoursError(f"{part!r} has no times such as 08:00-18:00.")
    begin, end = (_minute(each) for each in times.split("-", 1))
    if begin == end:
        raise HoursError(f"{part!r} begins when it ends.")
    if begin == MINUTES_OF_DAY:
        raise HoursError(f"{part!r} begins when the day is over.")
    return Span(_days(days_text.strip().lower()), begin, end)


def _minute(text: str) -> int:
    hour, colon, minute = text.strip().partition(":")
    if colon and _is_number(hour) and _is_number(minute) and len(minute) == 2:
        found = int(hour) * 60 + int(minute)
        if int(minute) < 60 and found <= MINUTES_OF_DAY:
            return found
    raise HoursError(f"{text.strip()!r} is no time such as 08:00.")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 2


def _days(text: str) -> frozenset[int]:
    if not text:
        return frozenset(range(7))
    first, dash, last = text.partition("-")
    begin = _day(first.strip())
    end = _day(last.strip()) if dash else begin
    count = (end - begin) % 7 + 1
    return frozenset((begin + step) % 7 for step in range(count))


def _day(text: str) -> int:
    for number, name in enumerate(DAYS):
        if len(text) >= 2 and (text.startswith(name) or name.startswith(text)):
            return number
    raise HoursError(f"{text!r} is no day such as Mon.")
