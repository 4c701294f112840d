"""Call forwards of a user: always, busy, no answer, no phone there."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final

from proxy.core.target_set import EVEN_EVERYWHERE, Outcome, Stage, TargetSet
from proxy.directory.leading import LATER

if TYPE_CHECKING:
    from proxy.directory.model import Forward

Follow = Callable[["Forward"], Coroutine[Any, Any, list[Stage]]]
"""Finds where a forward leads; may raise Reject."""

_AFTER: Final = {
    "busy": Outcome.BUSY | Outcome.EVERYWHERE,
    "no_answer": Outcome.NO_ANSWER,
    "not_registered": Outcome.UNREACHABLE,
}


def add_at_once(targets: TargetSet, forward: Forward, follow: Follow) -> None:
    """The call goes there and nowhere else."""
    targets.add_later(Stage(after=EVEN_EVERYWHERE, expand=lambda outcome: follow(forward)))


def add_later_targets(targets: TargetSet, forwards: Mapping[str, Forward], follow: Follow) -> None:
    """Where the call goes when the user's phones are busy, do not answer, or cannot be reached."""
    waiting = {name: _AFTER[name] for name in LATER if name in forwards}
    if not waiting:
        return
    if "no_answer" in forwards:
        targets.ring_seconds = float(forwards["no_answer"].ring_seconds)
    after = Outcome(0)
    for one in waiting.values():
        after |= one

    def expand(outcome: Outcome) -> Coroutine[Any, Any, list[Stage]]:
        name = next(name for name, one in waiting.items() if outcome & one & ~Outcome.EVERYWHERE)
        return follow(forwards[name])

    targets.add_later(Stage(after=after, expand=expand))
