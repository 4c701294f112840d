"""Coroutines stepped without a Task, and with one once they wait."""

import asyncio

import pytest

from proxy.core.stepping import Stepper, in_task


class Ends:
    """How coroutines ended."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Exception | None]] = []

    def __call__(self, subject: str, error: Exception | None) -> None:
        self.seen.append((subject, error))


async def nothing() -> None:
    """Finishes in its first step."""


async def fails() -> None:
    raise LookupError("here")


async def test_no_task_for_a_coroutine_that_does_not_wait():
    stepper, ends = Stepper(), Ends()
    before = asyncio.all_tasks()
    stepper.run(nothing(), "a", ends)
    stepper.step(nothing())
    assert asyncio.all_tasks() == before
    assert ends.seen == [("a", None)]


async def test_error_in_the_first_step():
    stepper, ends = Stepper(), Ends()
    stepper.run(fails(), "a", ends)
    ((subject, error),) = ends.seen
    assert subject == "a"
    assert isinstance(error, LookupError)


async def test_the_rest_runs_in_a_task():
    stepper, ends = Stepper(), Ends()
    future = asyncio.get_running_loop().create_future()
    seen = []

    async def waits() -> None:
        seen.append(await future)
        seen.append(asyncio.current_task() is not None)

    stepper.run(waits(), "a", ends)
    assert ends.seen == []
    future.set_result("value")
    await stepper.settled()
    assert seen == ["value", True]
    assert ends.seen == [("a", None)]


async def test_error_after_waiting():
    stepper, ends = Stepper(), Ends()
    future = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        await future

    stepper.run(waits(), "a", ends)
    future.set_exception(LookupError("there"))
    await stepper.settled()
    assert isinstance(ends.seen[0][1], LookupError)


async def test_several_waits_and_caught_errors():
    stepper = Stepper()
    loop = asyncio.get_running_loop()
    first, second = loop.create_future(), loop.create_future()
    seen = []

    async def waits() -> None:
        try:
            await first
        except LookupError:
            seen.append("caught")
        seen.append(await second)

    stepper.step(waits())
    first.set_exception(LookupError())
    await asyncio.wait([first])
    second.set_result("done")
    await stepper.settled()
    assert seen == ["caught", "done"]


async def test_close_cancels_what_waits():
    stepper, ends = Stepper(), Ends()
    seen = []

    async def waits() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    stepper.run(waits(), "a", ends)
    await asyncio.wait([asyncio.ensure_future(stepper.close())])
    assert seen == ["cancelled"]
    assert ends.seen == []


async def test_in_task_gives_a_current_task_to_a_first_step():
    stepper = Stepper()
    seen = []

    async def needs_task() -> str:
        async with asyncio.timeout(10):
            return await asyncio.sleep(0, "value")

    async def waits() -> None:
        seen.append(await in_task(needs_task()))

    stepper.step(waits())
    await stepper.settled()
    assert seen == ["value"]


async def test_in_task_passes_errors():
    with pytest.raises(LookupError):
        await in_task(fails())
