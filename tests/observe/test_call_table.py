"""Calls are found by what tells them apart, however many there are of one Call-ID."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.observe.call import Call, tags_of
from proxy.observe.call_table import CallTable
from tests.harness.builders import request


class Passage:
    """A request on its way."""

    def __init__(self, call_id: bytes, from_tag: bytes | None, to_tag: bytes | None) -> None:
        self.original = request(
            b"INVITE",
            b"sip:b@example.com",
            via=b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx",
            call_id=call_id,
            from_tag=from_tag,
            to_tag=to_tag,
        )


def begun(number: int, *, call_id: bytes = b"c", from_tag: bytes = b"a") -> Call:
    passage = Passage(call_id, from_tag, None)
    empty = (None, None, b"", b"", b"", b"", b"", 1.0, b"", None)
    return Call(f"{number}", call_id, *empty, from_tag=from_tag, user=b"u", passage=passage)  # type: ignore[arg-type]


@pytest.fixture
def table() -> CallTable:
    """0 and 1 are answered by x and y, 2 rings; all are of one Call-ID and one From tag."""
    table = CallTable()
    for number, tag in enumerate((b"x", b"y", None)):
        held = begun(number)
        table.add(held)
        if tag is not None:
            table.answer(held, tags_of(b"a", tag), 2.0)
    return table


@pytest.mark.parametrize(
    ("call_id", "from_tag", "to_tag", "found"),
    [
        (b"c", b"a", b"x", "0"),
        (b"c", b"x", b"a", "0"),
        (b"c", b"y", b"a", "1"),
        (b"c", b"a", b"gone", None),
        (b"c", b"a", None, "0"),
        (b"d", b"a", b"x", None),
    ],
)
def test_whose_a_request_is(
    table: CallTable, call_id: bytes, from_tag: bytes, to_tag: bytes | None, found: str | None
) -> None:
    held = table.of(Passage(call_id, from_tag, to_tag))  # type: ignore[arg-type]
    assert (None if held is None else held.public_id) == found


@pytest.mark.parametrize(("from_tag", "is_its"), [(b"a", True), (b"to", True), (b"b", False)])
def test_within_a_dialog_that_no_2xx_has_confirmed(from_tag: bytes, is_its: bool) -> None:
    table = CallTable()
    held = begun(0, from_tag=b"to" if from_tag == b"to" else b"a")
    table.add(held)
    early = Passage(b"c", from_tag if from_tag != b"to" else b"x", b"to")
    assert (table.of(early) is held) is is_its  # type: ignore[arg-type]


def test_a_passage_is_of_the_call_that_it_began(table: CallTable) -> None:
    further = begun(3)
    passage: Any = further.passage
    table.add(further)
    assert table.of(passage) is further
    table.answer(further, tags_of(b"a", b"z"), 3.0)
    assert table.of(passage) is not further
    assert table.of(Passage(b"c", b"z", b"a")) is further  # type: ignore[arg-type]


def test_what_is_removed_is_found_by_nothing(table: CallTable) -> None:
    assert not table.is_alone(table.get("0"))  # type: ignore[arg-type]
    for held in list(table.values()):
        assert table.is_ringing(b"c", b"a", b"u")
        assert table.remove(held)
        assert not table.remove(held)
        if len(table) == 1:
            assert table.is_alone(next(table.values()))
    assert not table.has_named(b"c")
    assert not table.is_ringing(b"c", b"a", b"u")
    assert len(table) == 0


def test_two_dialogs_of_the_same_tags_are_still_two(table: CallTable) -> None:
    """A far side that answers both with one tag."""
    twin = begun(3)
    table.add(twin)
    table.answer(twin, tags_of(b"a", b"x"), 3.0)
    first = table.get("0")
    assert first is not None
    assert table.remove(first)
    assert table.of(Passage(b"c", b"a", b"x")) is twin  # type: ignore[arg-type]
    assert table.remove(twin)
    assert len(table) == 2
