"""All media relays: which one a call gets, and which are alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from media.ng import Command, Document, Ping

from .client import RelayClient, RelayError

log = logging.getLogger(__name__)

_PING_SECONDS: Final = 5.0


class Relay:
    """One relay and whether it answers."""

    __slots__ = ("client", "is_alive", "name", "relay_id")

    def __init__(self, client: RelayClient, name: str) -> None:
        self.client = client
        self.name = name
        self.relay_id = blake2b(name.encode(), digest_size=3).digest()
        self.is_alive = True


class RelayPool:
    """Relays by rendezvous hashing of the Call-ID, so that every node sends a call to the same."""

    __slots__ = ("_by_id", "_relays", "_task")

    def __init__(self, addresses: Sequence[str], *, timeout: float) -> None:
        parsed = [parse_address(text) for text in addresses]
        self._relays = [
            Relay(RelayClient(address, timeout=timeout), name) for name, address in parsed
        ]
        self._by_id = {relay.relay_id: relay for relay in self._relays}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        for relay in self._relays:
            relay.client.close()

    def by_id(self, relay_id: bytes) -> Relay | None:
        return self._by_id.get(relay_id)

    def choices(self, call_id: bytes) -> list[Relay]:
        """Relays in the order of trying for a new call: the living first."""
        if len(self._relays) == 1:
            return self._relays
        return sorted(
            self._relays,
            key=lambda relay: (
                not relay.is_alive,
                blake2b(call_id + relay.relay_id, digest_size=8).digest(),
            ),
        )

    async def request(self, relay: Relay, command: Command) -> Document:
        """Ask one relay; raises RelayError and remembers when it is silent."""
        try:
            answer = await relay.client.request(command)
        except RelayError as error:
            if error.is_silent:
                self._set_alive(relay, is_alive=False)
            raise
        self._set_alive(relay, is_alive=True)
        return answer

    def states(self) -> dict[str, bool]:
        """Name of each relay, and whether it answers."""
        return {relay.name: relay.is_alive for relay in self._relays}

    def _set_alive(self, relay: Relay, *, is_alive: bool) -> None:
        if relay.is_alive != is_alive:
            relay.is_alive = is_alive
            if is_alive:
                log.info("relay is back relay=%s", relay.name)
            else:
                log.warning("relay does not answer relay=%s", relay.name)

    async def _watch(self) -> None:
        while True:
            await asyncio.gather(*(self._ping(relay) for relay in self._relays))
            await asyncio.sleep(_PING_SECONDS)

    async def _ping(self, relay: Relay) -> None:
        try:
            await self.request(relay, Ping())
        except RelayError as error:
            log.debug("%s", error)


def parse_address(text: str) -> tuple[str, tuple[str, int]]:
    """`host:port`, `[v6]:port` or `name=host:port`: the name, which is the address where none is
    given, and the address. A named relay keeps its calls when it moves. Raises ValueError."""
    name, equals, place = text.rpartition("=")
    host, _, port = place.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536 or (equals and not name):
        raise ValueError(f"{text!r} is no host:port")
    return name or place, (host.strip("[]"), int(port))
