"""Running a coroutine without a Task until it waits for something.

Most requests are routed without waiting for anything: a coroutine that is stepped once by
`send(None)` and finishes costs a tenth of a Task. One that waits has handed out a Future by then;
the rest of it goes on in a Task that the Stepper owns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")
_FINISHED = object()


async def in_task(coroutine: Coroutine[Any, Any, T]) -> T:
    """Await something that may need the current task, which a first step does not have."""
    return await asyncio.get_running_loop().create_task(coroutine)


class Stepper:
    """Steps coroutines, and owns the Tasks of those that wait."""

    __slots__ = ("_tasks",)

    def __init__(self) -> None:
        self._tasks: dict[asyncio.Task[None], Coroutine[Any, Any, None]] = {}

    def step(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that lets nothing out but cancellation."""
        try:
            waiting = coroutine.send(None)
        except StopIteration:
            return
        self._own(_rest(_Resumed(coroutine, waiting)), coroutine)

    def run(
        self,
        coroutine: Coroutine[Any, Any, None],
        subject: T,
        ended: Callable[[T, Exception | None], None],
    ) -> None:
        """Run a coroutine and tell how it ended: None, or what it raised."""
        try:
            waiting = coroutine.send(None)
        except StopIteration:
            ended(subject, None)
        except Exception as error:  # the transaction user's: Reject, Drop, or a fault
            ended(subject, error)
        else:
            rest = _rest_and_tell(_Resumed(coroutine, waiting), subject, ended)
            self._own(rest, coroutine)

    async def settled(self) -> None:
        """Wait until nothing waits any more."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Cancel what still waits."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _own(self, rest: Coroutine[Any, Any, None], stepped: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(rest)
        self._tasks[task] = stepped
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        # a Task that is cancelled before its first step never reaches the coroutine
        self._tasks.pop(task).close()


class _Resumed:
    """The rest of a coroutine whose first step has yielded `waiting`."""

    __slots__ = ("_coroutine", "_waiting")

    def __init__(self, coroutine: Coroutine[Any, Any, None], waiting: object) -> None:
        self._coroutine = coroutine
        self._waiting = waiting

    def __await__(self) -> Generator[Any, Any, None]:
        coroutine, waiting = self._coroutine, self._waiting
        while waiting is not _FINISHED:
            try:
                sent = yield waiting
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # cancellation above all: the coroutine's to see
                waiting = _throw(coroutine, error)
            else:
                waiting = _send(coroutine, sent)


async def _rest(resumed: _Resumed) -> None:
    await resumed


async def _rest_and_tell(
    resumed: _Resumed, subject: T, ended: Callable[[T, Exception | None], None]
) -> None:
    try:
        await resumed
    except Exception as error:  # as in Stepper.run
        ended(subject, error)
    else:
        ended(subject, None)


def _send(coroutine: Coroutine[Any, Any, None], value: object) -> object:
    try:
        return coroutine.send(value)
    except StopIteration:
        return _FINISHED


def _throw(coroutine: Coroutine[Any, Any, None], error: BaseException) -> object:
    try:
        return coroutine.throw(error)
    except StopIteration:
        return _FINISHED
