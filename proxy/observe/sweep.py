"""Calls that ended without a BYE: their relay has given them up for silence, so they are over.

The other direction needs no sweep: what a relay holds and nobody ends, it ends by itself when it
is silent (FEDSIP_MEDIA_SILENCE_SECONDS).
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from media.ng import Query
from proxy.relay.client import RelayError
from proxy.relay.pool import RelayPool

from .call import Call
from .calls import Calls

log = logging.getLogger(__name__)

_SECONDS: Final = 1.0
_LEAST: Final = 20
_SILENT: Final = b"Media silent"
_SHARE: Final = 100  # of all calls, looked at each second


class MediaSweep:
    """Asks the relays after a few of the calls each second."""

    __slots__ = ("_calls", "_relays", "_task")

    def __init__(self, calls: Calls, relays: RelayPool) -> None:
        self._calls = calls
        self._relays = relays
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def sweep(self) -> None:
        """Look at the calls that are due."""
        for held in self._calls.due(most=_LEAST + len(self._calls) // _SHARE):
            await self._look_at(held)

    async def _look_at(self, held: Call) -> None:
        relay = self._relays.by_id(held.relay_id)
        if relay is None:
            return
        try:
            answer = await self._relays.request(relay, self._query(held))
        except RelayError as error:
            if not error.is_silent and "unknown call" in str(error).lower():
                self._calls.platform_ended(held, _SILENT)
            else:
                log.debug("call not looked at call_id=%r reason=%s", held.call_id, error)
            return
        if answer.get(b"tags") == {}:  # of its Call-ID it has others
            self._calls.platform_ended(held, _SILENT)
        else:
            self._calls.media_reported(held, answer)

    def _query(self, held: Call) -> Query:
        """After all that the relay has of a Call-ID; after the dialog, where there are others."""
        if held.tags is None or self._calls.is_alone(held):
            return Query(held.call_id)
        return Query(held.call_id, *held.tags)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            self._calls.give_up_reports()
            await self.sweep()
