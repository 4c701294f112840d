"""Turns: so many begin in one pass of the event loop, the others in later ones."""

from __future__ import annotations

import asyncio
from collections import deque


class Turns:
    """`await take()` returns at once while this pass has turns left, else in a pass to come.

    A thousand questions that are asked together cost as much as ever, but whatever else the loop
    has to do comes in between. What is urgent, as an answer is, comes before what has just begun.
    """

    __slots__ = ("_each_pass", "_left", "_urgent", "_waiting")

    def __init__(self, each_pass: int) -> None:
        self._each_pass = each_pass
        self._left = each_pass
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._urgent: deque[asyncio.Future[None]] = deque()

    async def take(self, *, is_urgent: bool = False) -> None:
        """Wait for a turn; of equals the first who asked has the first."""
        loop = asyncio.get_running_loop()
        if self._left == self._each_pass:
            loop.call_soon(self._next_pass)
        if self._left > 0:
            self._left -= 1
            return
        turn: asyncio.Future[None] = loop.create_future()
        (self._urgent if is_urgent else self._waiting).append(turn)
        await turn

    def _next_pass(self) -> None:
        self._left = self._each_pass
        while (self._urgent or self._waiting) and self._left > 0:
            turn = (self._urgent or self._waiting).popleft()
            if not turn.done():  # else whoever waited was cancelled
                self._left -= 1
                turn.set_result(None)
        if self._left < self._each_pass:
            asyncio.get_running_loop().call_soon(self._next_pass)
