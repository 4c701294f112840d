"""Who is at the other end of one local port: what was signalled, what was heard. Pure.

A phone behind a NAT names an address that nobody can reach, so the relay sends to where packets
come from. That must not let a stranger have the call:

    nobody heard     every sensible packet latches its source, and we send there
    latched          a better known source (below) takes over; another stranger does not
    confirmed        after 3 s, or at once for the signalled address: others are refused,
                     except a known source where a stranger was latched, and the same host
                     from a new port, or a better known one, after 2 s of silence (a NAT rebound)

Known better, in order: the signalled address itself; another port of the signalled host or of the
host that the signalling came from; anybody else. A new signalled address starts anew; the same one
again (re-INVITE, hold and resume) keeps what was learned.
"""

from __future__ import annotations

from media.forward.rule import Address, Transform

LEARN_SECONDS = 3.0
SILENT_SECONDS = 2.0

_STRANGER, _KNOWN_HOST, _SIGNALLED = range(3)


class Endpoint:
    """The far end of one local port. `asymmetric`: send where signalled, whatever is heard.

    `needs_checks`: ICE decides; nothing is sent before a check, and nobody is learned by media.
    `unprotect` and `protect` are there when its packets are encrypted and the keys are known.
    """

    __slots__ = (
        "_hosts",
        "_is_held",
        "_latched_at",
        "_quiet_count",
        "_quiet_since",
        "_rank",
        "asymmetric",
        "handover",
        "is_exclusive",
        "is_reached",
        "last_packet_wall",
        "local",
        "needs_checks",
        "packets_seen",
        "packets_swept",
        "protect",
        "signalled",
        "source",
        "strict",
        "unprotect",
    )

    def __init__(self, local: Address) -> None:
        self.local = local
        self.signalled: Address | None = None
        self.is_reached = True
        self.source: Address | None = None
        self.asymmetric = False
        self.handover = False
        self.strict = False
        self.needs_checks = False
        self.protect: Transform | None = None
        self.unprotect: Transform | None = None
        self.last_packet_wall = 0
        self.packets_seen = 0
        self.packets_swept = 0
        self.is_exclusive = False
        self._hosts: tuple[str, ...] = ()
        self._is_held = False
        self._rank = _STRANGER
        self._latched_at = 0.0
        self._quiet_count = -1
        self._quiet_since = 0.0

    @property
    def destination(self) -> Address | None:
        """Where to send; None on hold by zero address, or when nothing is known."""
        if self._is_held:
            return None
        if self.needs_checks:
            return self.source
        named = self.signalled if self.is_reached else None
        return named if self.asymmetric else self.source or named

    def signal(
        self, address: Address | None, *, hosts: tuple[str, ...], is_reached: bool = True
    ) -> None:
        """An offer or answer named `address`; None: a host name or nothing usable.

        `hosts` are those known to be this side: of the SDP, of the signalling. One that is not
        `is_reached` is not sent to before it was heard (reach.py).
        """
        self.is_reached = is_reached
        self._is_held = self.is_exclusive = False
        self._hosts = hosts
        if address != self.signalled:
            self.signalled = address
            if not self.needs_checks:
                self.source = None

    def hold(self) -> None:
        """The zero address was signalled: send nothing, but keep what was learned."""
        self._is_held = True
        self.is_exclusive = False

    def select(self, source: Address | None) -> None:
        """ICE has chosen the pair, or lost it."""
        self.source = source
        self.is_exclusive = False

    def settle(self, packets: int, *, now: float) -> bool:
        """Look again at the count of accepted packets: True when `is_exclusive` has changed.

        Exclusive is a confirmed source, heard since the last look, that nobody may take over from.
        As soon as it is silent, others are listened to again: its NAT may have given it a new port.
        """
        is_heard = packets != self.packets_swept
        self.packets_swept = packets
        before = self.is_exclusive
        self.is_exclusive = (
            is_heard
            and self.source is not None
            and self.source == self.destination
            and not (self.handover or self.needs_checks)
            and self._rank != _STRANGER
            and (self._rank == _SIGNALLED or now - self._latched_at >= LEARN_SECONDS)
        )
        return self.is_exclusive != before

    def hear(self, source: Address, *, packets: int, now: float) -> bool:
        """A sensible packet came from someone else than `source`: may it latch?

        `packets` is the engine's count of what came from the latched source. After True the source
        is latched: rules change and the packet goes on; after False it is dropped.
        """
        rank = self._rank_of(source)
        if self.strict and rank == _STRANGER:
            return False
        if self.source is not None and not self._yields(source, rank, packets=packets, now=now):
            return False
        self.source = source
        self.is_exclusive = False
        self._rank = rank
        self._latched_at = now
        self._quiet_count = -1
        return True

    def _yields(self, source: Address, rank: int, *, packets: int, now: float) -> bool:
        if self.handover:
            return True
        is_learning = self._rank < _SIGNALLED and now - self._latched_at < LEARN_SECONDS
        if rank > self._rank and (is_learning or self._rank == _STRANGER):
            return True
        if packets != self._quiet_count:
            self._quiet_count = packets
            self._quiet_since = now
            return False
        is_silent = now - self._quiet_since >= SILENT_SECONDS
        latched_host = self.source[0] if self.source else ""
        return is_silent and (source[0] == latched_host or rank > self._rank)

    def _rank_of(self, source: Address) -> int:
        if source == self.signalled:
            return _SIGNALLED
        return _KNOWN_HOST if source[0] in self._hosts else _STRANGER
