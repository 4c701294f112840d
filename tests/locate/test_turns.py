"""Turns: nobody is left out, nobody overtakes, and other work comes in between."""

from __future__ import annotations

import asyncio

import pytest

from proxy.locate.turns import Turns


async def takers(turns: Turns, count: int) -> tuple[list[int], list[int]]:
    """Who had his turn in which order, and in how many passes of the loop each."""
    order: list[int] = []
    passes = [0]

    async def take(number: int) -> None:
        await turns.take()
        order.append(number)
        passes[-1] += 1

    tasks = [asyncio.create_task(take(number)) for number in range(count)]
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        if passes[-1]:
            passes.append(0)
    return order, passes


@pytest.mark.parametrize("count", [1, 3, 4, 10])
async def test_everybody_has_a_turn(count: int) -> None:
    turns = Turns(3)
    for _ in range(2):  # and later again
        order, passes = await takers(turns, count)
        assert order == list(range(count))
        assert max(passes) <= 3


async def test_what_is_urgent_comes_first() -> None:
    turns = Turns(1)
    order: list[str] = []

    async def take(name: str, *, is_urgent: bool = False) -> None:
        await turns.take(is_urgent=is_urgent)
        order.append(name)

    takers = [take("a"), take("b"), take("c"), *(take(name, is_urgent=True) for name in "de")]
    await asyncio.gather(*takers)
    assert order == ["a", "d", "e", "b", "c"]


async def test_who_gives_up_takes_nobodys_turn() -> None:
    turns = Turns(1)
    first, second, third = (asyncio.create_task(turns.take()) for _ in range(3))
    await first
    second.cancel()
    gone, turn = await asyncio.gather(second, third, return_exceptions=True)
    assert isinstance(gone, asyncio.CancelledError)
    assert turn is None
