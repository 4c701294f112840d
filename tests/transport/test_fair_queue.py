"""Who is served when: sources in turns, each in its own order, and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transport.fair_queue import MOST, MOST_OF_ONE, FairQueue


@pytest.mark.parametrize(
    ("came", "served"),
    [
        ("", ""),
        ("a1", "a1"),
        ("a1 a2 a3", "a1 a2 a3"),
        ("a1 a2 a3 b1", "a1 b1 a2 a3"),
        ("a1 a2 b1 b2 c1", "a1 b1 c1 a2 b2"),
        ("a1 a2 a3 - b1", "a1 a2 b1 a3"),  # - one is served here
        ("a1 - a2 b1 b2", "a1 a2 b1 b2"),
    ],
)
def test_turns(came: str, served: str) -> None:
    queue: FairQueue[str] = FairQueue()
    got = []
    for word in came.split():
        if word == "-":
            got.append(queue.take())
        else:
            assert queue.add(word[0], word)
    while queue:
        got.append(queue.take())
    assert got == served.split()
    assert queue.take() is None


def test_too_much_of_one_source_is_lost_and_others_are_taken() -> None:
    queue: FairQueue[int] = FairQueue()
    assert all(queue.add("a", number) for number in range(MOST_OF_ONE))
    assert not queue.add("a", -1)
    assert queue.add("b", -2)
    assert len(queue) == MOST_OF_ONE + 1
    assert (queue.take(), queue.take(), queue.take()) == (0, -2, 1)
    assert queue.add("a", -3)


def test_it_says_when_it_is_full() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(MOST):
        assert not queue.is_full
        queue.add(str(number % 100), number)
    assert queue.is_full
    queue.take()
    assert not queue.is_full


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_each_source_keeps_its_order_and_waits_one_round_at_most(sources: list[str]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, source in enumerate(sources):
        queue.add(source, (source, number))
    got = []
    while (one := queue.take()) is not None:
        got.append(one)
    assert sorted(number for _, number in got) == list(range(len(sources)))
    for source in "abc":
        own = [number for who, number in got if who == source]
        assert own == sorted(own)
        first = next((at for at, one in enumerate(got) if one[0] == source), 0)
        assert first < 3
