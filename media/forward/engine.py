"""The face of every engine: sockets, rules, counters, and a slow path for what no rule covers.

Sockets belong to the engine from `open` to `close` whatever carries the packets in between, so a
native or kernel engine can take over the forwarding and give it back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from media.forward.rule import Address, ForwardRule


@dataclass(frozen=True, slots=True)
class Counters:
    """What came in of one section from its accepted source. Of its port: `errors` could not be sent
    on, `strangers` came from elsewhere, `undecryptable` were not authentic, or not new."""

    packets: int = 0
    octets: int = 0
    errors: int = 0
    strangers: int = 0
    undecryptable: int = 0
    expected: int = 0
    lost: int = 0
    jitter_seconds: float = 0.0
    ssrc: int = 0


# Local port, datagram (a copy), source; True when the source is accepted from now on and the rules
# say so: then the engine forwards the datagram as well.
OnStranger = Callable[[Address, bytes, Address], bool]
# Local port on which a report came in from its accepted source, datagram (a copy), section.
OnReport = Callable[[Address, bytes, int], None]


class Engine(Protocol):
    """Moves packets by rules. All calls come from the event loop's thread."""

    def open(self, local: Address) -> None:
        """Bind a socket; OSError when that port cannot be had."""

    def share(self, local: Address) -> None:
        """Bind a socket for lanes (rule.lane), which are opened and closed as ports are; OSError
        when it cannot be had."""

    def expect(self, local: Address, source: Address) -> None:
        """`source` has proved to be the far end of `local`, which matters where that is a lane."""

    def close(self, local: Address) -> None:
        """Give the port up, with its rule and counters."""

    def install(self, rules: Sequence[ForwardRule]) -> None:
        """Set or replace the rules of a dialogue, all of them; their sockets are open."""

    def send(self, local: Address, datagram: bytes, to: Address) -> None:
        """Send one datagram of our own from `local`; failures are counted, not raised."""

    def counters(self, local: Address, section: int = 0) -> Counters:
        """Counts so far of a section at that port; zeros for one without packets."""

    def packets(self, local: Address) -> int:
        """Only the number of packets accepted so far, of all sections: what the reaper and the
        learning ask."""
