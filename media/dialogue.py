"""Two sides that talk through the relay: a caller, and one branch of its call. Pure.

rtpengine speaks of monologues: each side has a tag and its media sections. A forked call has one
dialogue for each branch, and the caller has ports of its own in each of them, so that the early
media of two branches never meets on one port.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from media.forward.rule import Address, ForwardRule
from media.ng import CodecChoice
from media.stream import LocalPair, Stream, rules_of


class Leg:
    """One side: its tag (b"" until it answers), its sections, what the proxy called it.

    `family` and `interface` say where its ports are.
    """

    __slots__ = ("created_wall", "family", "interface", "label", "streams", "tag")

    def __init__(self, tag: bytes, *, wall: float) -> None:
        self.tag = tag
        self.label = b""
        self.family = b""
        self.interface = b""
        self.streams: list[Stream] = []
        self.created_wall = int(wall)

    def stream(self, index: int) -> Stream:
        """The section at `index`; new ones are made on the way."""
        while len(self.streams) <= index:
            self.streams.append(Stream(len(self.streams)))
        return self.streams[index]


class Dialogue:
    """`caller` made the first offer, `callee` is who was offered it on `via_branch`.

    `codecs` is the choice of its last offer.
    """

    __slots__ = (
        "callee",
        "caller",
        "codecs",
        "delete_at",
        "is_answered",
        "quiet_since",
        "via_branch",
    )

    def __init__(self, caller: Leg, callee: Leg, via_branch: bytes) -> None:
        self.caller = caller
        self.callee = callee
        self.via_branch = via_branch
        self.codecs = CodecChoice()
        self.is_answered = False
        self.delete_at: float | None = None
        self.quiet_since = 0.0

    @property
    def tags(self) -> tuple[bytes, bytes]:
        return self.caller.tag, self.callee.tag

    @property
    def is_open(self) -> bool:
        """True while the callee's tag is not known."""
        return not self.callee.tag

    @property
    def is_held(self) -> bool:
        """True when no section has both sides wanting media, so that silence means nothing."""
        return not any(
            one.is_active and other.is_active and not (one.is_held or other.is_held)
            for one, other in self.sections()
        )

    def has(self, *tags: bytes) -> bool:
        """True when every one of these tags is one of the two."""
        return all(tag in self.tags for tag in tags)

    def leg(self, tag: bytes) -> Leg:
        return self.caller if tag == self.caller.tag else self.callee

    def opposite(self, leg: Leg) -> Leg:
        return self.callee if leg is self.caller else self.caller

    def sections(self) -> Iterator[tuple[Stream, Stream]]:
        """Caller's and callee's stream of each section that both have."""
        return zip(self.caller.streams, self.callee.streams, strict=False)

    def section_at(self, local: Address, index: int) -> tuple[Stream, Stream] | None:
        """The section of that number: its stream at that port, and that of the other side."""
        for one, other in islice(self.sections(), index, index + 1):
            for near, far in ((one, other), (other, one)):
                if near.pair is not None and local in near.pair.locals:
                    return near, far
        return None

    def rules(self) -> tuple[ForwardRule, ...]:
        """The rules of all its ports as things stand."""
        found: dict[Address, ForwardRule] = {}
        for one, other in self.sections():
            for rule in rules_of(one, other):
                first = found.get(rule.local)
                if first is None:
                    found[rule.local] = rule
                else:  # it rides on the port of another section
                    found[rule.local] = replace(
                        first,
                        others=(*first.others, rule),
                        mid_extension=first.mid_extension or rule.mid_extension,
                    )
        return tuple(found.values())

    def pairs(self) -> Iterator[LocalPair]:
        """All local ports that it holds."""
        for leg in (self.caller, self.callee):
            for stream in leg.streams:
                if stream.pair is not None and stream.rides is None:
                    yield stream.pair
