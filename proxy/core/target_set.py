"""Where a request may go: targets in groups, tried serially by q and in parallel within a group,
and stages that come later, depending on how the ones before them ended.

RFC 3261 s16.5 (target set) and s16.6 (q-ordered forking). A target is a Request-URI with the
Route set and the flow that reach it; how the next hop is located is core/forward.py's subject.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Flag, auto
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from proxy.sip.uri import Uri

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from proxy.directory.model import Domain
    from proxy.location.model import Binding
    from proxy.sip.fields import NameAddr
    from proxy.transport.flow import Flow

    from .request_context import Reject

FULL_Q = 1000


@dataclass(slots=True, eq=False)
class Target:
    """One place to try; a value by convention (not frozen: that costs a microsecond a call).

    `route_set` is put on top of the Route header fields (a binding's Path, another node of the
    cluster); `flow`, when given, is used as it is and nothing is located. `nat`, `websocket`,
    `profile` and `domain` are facts about that side for the media steps. One that must be
    `is_verified` is reached over TLS alone, by a certificate for its domain, and `unproved` gives
    the answer where no server has one; `shown_as` is the domain of ours for which we connect. One
    that `is_trusted` is told who calls (RFC 3325). `trunk_id` is that of a carrier's gateway;
    `federation` the verdict that let it be one, in words for the call's record.
    """

    uri: Uri
    route_set: tuple[NameAddr, ...] = ()
    q: int = FULL_Q
    flow: Flow | None = None
    nat: bool = False
    websocket: bool = False
    profile: str | None = None
    domain: Domain | None = None
    binding: Binding | None = None
    is_verified: bool = False
    unproved: Callable[[], Reject] | None = None
    is_trusted: bool = False
    shown_as: str = ""
    changes: Changes | None = None
    trunk_id: int = 0
    federation: str = ""


@dataclass(frozen=True, slots=True)
class ShownCaller:
    """Whom a target sees in From instead of the caller (RFC 3261 s8.1.1.3); empty: as it is."""

    user: bytes = b""
    display: bytes = b""
    """Without quotes."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What the request has for this target alone; applied by routing before it is sent."""

    added: tuple[tuple[bytes, bytes], ...] = ()
    removed: tuple[bytes, ...] = ()
    caller: ShownCaller | None = None
    rule_id: int | None = None
    """The translation that leads there."""
    translated_from: bytes | None = None


class Outcome(Flag):
    """How targets ended, as far as later stages depend on it."""

    BUSY = auto()
    """486 or 600."""
    NO_ANSWER = auto()
    """It rang in vain: a ring timeout, 408 after a provisional response, 480."""
    UNREACHABLE = auto()
    """Nobody was there: every hop dead, 408 without any other answer, 503."""
    REFUSED = auto()
    """Any other failure."""
    EVERYWHERE = auto()
    """6xx: it was said for the whole user, so no other contact of his is tried."""


ANY_FAILURE: Final = Outcome.BUSY | Outcome.NO_ANSWER | Outcome.UNREACHABLE | Outcome.REFUSED
EVEN_EVERYWHERE: Final = ANY_FAILURE | Outcome.EVERYWHERE


Expand = Callable[["Outcome"], "Coroutine[Any, Any, list[Stage]]"]
"""Finds the stages of a destination, given how the targets before it ended; may raise Reject."""


@dataclass(slots=True, eq=False)
class Stage:
    """Targets that are tried in parallel once those before them have failed in a way that `after`
    names. `expand` finds them only then, given that way; it may raise Reject. They ring for
    `ring_seconds` where a later stage waits for no answer; None means as long as the core's
    setting says."""

    targets: list[Target] = field(default_factory=list)
    after: Outcome = ANY_FAILURE
    ring_seconds: float | None = None
    expand: Expand | None = None

    def follows(self, outcome: Outcome) -> bool:
        """Whether it is this stage's turn after targets ended so."""
        if Outcome.EVERYWHERE in outcome and Outcome.EVERYWHERE not in self.after:
            return False
        return bool(outcome & self.after & ANY_FAILURE)


class TargetSet:
    """The targets of one request, each Request-URI at most once (RFC 3261 s16.5)."""

    __slots__ = ("_later", "_targets", "ring_seconds")

    def __init__(self) -> None:
        self._targets: list[Target] = []
        self._later: list[Stage] = []
        self.ring_seconds: float | None = None
        """How long each group of targets rings; None: as the core's setting says."""

    def __len__(self) -> int:
        return len(self._targets)

    def __iter__(self) -> Iterator[Target]:
        return iter(self._targets)

    def first(self) -> Target | None:
        """The one that was added first."""
        return self._targets[0] if self._targets else None

    def add(self, target: Target) -> bool:
        """Add a target; False when the same URI over the same path is in the set already."""
        for known in self._targets:
            if (
                known.uri == target.uri
                and known.flow == target.flow
                and known.route_set == target.route_set
            ):
                return False
        self._targets.append(target)
        return True

    def add_later(self, *stages: Stage) -> None:
        """Stages to be tried after the targets and after those that were added before."""
        self._later += stages

    def replace(self, *targets: Target) -> None:
        """Forget what is in the set and take these instead."""
        self._targets.clear()
        for target in targets:
            self.add(target)

    def stages(self) -> list[Stage]:
        """All of it in the order of trying."""
        groups = [Stage(group, ring_seconds=self.ring_seconds) for group in self.groups()]
        return groups + self._later if self._later else groups

    def groups(self) -> list[list[Target]]:
        """Groups of equal q, highest q first; one group is forked in parallel."""
        if len(self._targets) < 2:
            return [self._targets[:]] if self._targets else []
        ordered = sorted(self._targets, key=_falling_q)
        return [list(group) for _, group in groupby(ordered, key=_falling_q)]


def _falling_q(target: Target) -> int:
    return -target.q
