"""Who is served when: sources in turns, each in its own order, and bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.transport.fair_queue import (
    MOST,
    MOST_BYTES,
    MOST_BYTES_OF_ONE,
    MOST_OF_ONE,
    FairQueue,
)


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
            assert queue.add(word[0], word, 1)
    while queue:
        got.append(queue.take())
    assert got == served.split()
    assert queue.take() is None


def test_too_much_of_one_source_is_lost_and_others_are_taken() -> None:
    queue: FairQueue[int] = FairQueue()
    assert all(queue.add("a", number, 1) for number in range(MOST_OF_ONE))
    assert not queue.add("a", -1, 1)
    assert queue.add("b", -2, 1)
    assert len(queue) == MOST_OF_ONE + 1
    assert (queue.take(), queue.take(), queue.take()) == (0, -2, 1)
    assert queue.add("a", -3, 1)


def test_it_says_when_it_is_full() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(MOST):
        assert not queue.is_full
        queue.add(str(number % 100), number, 1)
    assert queue.is_full
    queue.take()
    assert not queue.is_full


LARGEST = 65_507  # bytes of a datagram


def test_large_datagrams_of_one_source_take_a_bounded_room() -> None:
    queue: FairQueue[int] = FairQueue()
    taken = [queue.add("a", number, LARGEST) for number in range(200)]
    assert taken == sorted(taken, reverse=True)
    assert sum(taken) == MOST_BYTES_OF_ONE // LARGEST
    assert queue.add("b", 0, LARGEST)
    queue.take()
    assert queue.add("a", 200, LARGEST)  # there is room again
    assert not queue.add("a", 201, LARGEST)


def test_large_datagrams_of_many_sources_do_too() -> None:
    queue: FairQueue[int] = FairQueue()
    taken = [queue.add(str(number), number, LARGEST) for number in range(1000)]
    assert sum(taken) == len(queue) == MOST_BYTES // LARGEST
    assert queue.add("small", 0, MOST_BYTES - len(queue) * LARGEST)
    assert queue.is_full
    assert not queue.add("small", 0, 1)
    while queue.take() is not None:
        pass
    assert not queue.is_full
    assert all(queue.add(str(number), number, LARGEST) for number in range(100))


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_each_source_keeps_its_order_and_waits_one_round_at_most(sources: list[str]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    for number, source in enumerate(sources):
        queue.add(source, (source, number), 1)
    got = []
    while (one := queue.take()) is not None:
        got.append(one)
    assert sorted(number for _, number in got) == list(range(len(sources)))
    for source in "abc":
        own = [number for who, number in got if who == source]
        assert own == sorted(own)
        first = next((at for at, one in enumerate(got) if one[0] == source), 0)
        assert first < 3
