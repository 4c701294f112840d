"""Locating told step by step: each question, its answer and how long that holds, then the hops.

It drives the very selection that calls use, so what it tells is what they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .hop import Hop
from .records import Record, zone_text
from .rfc3263 import Answer, LocateError, Question

if TYPE_CHECKING:
    from proxy.sip.uri import SipUri

    from .resolver import Locator

_MOST_QUESTIONS: Final = 64


@dataclass(frozen=True, slots=True)
class Step:
    """One question with what came of it."""

    question: Question
    answers: tuple[str, ...]
    """As a zone file has them; () for none."""
    seconds: float
    """How long this holds, also when there is none."""
    error: str = ""
    """Why the DNS gave no answer at all."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All steps, and the hops in the order of trying or why there are none."""

    steps: tuple[Step, ...]
    hops: tuple[Hop, ...]
    error: str = ""


async def explain(uri: SipUri, locator: Locator) -> Explanation:
    """Locate a URI and tell how."""
    steps: list[Step] = []
    selection = locator.selection(uri)
    try:
        question = next(selection)
        while len(steps) < _MOST_QUESTIONS:
            outcome, seconds = await locator.ask(question)
            if isinstance(outcome, LocateError):
                steps.append(Step(question, (), seconds, str(outcome)))
                question = selection.throw(LocateError(str(outcome)))
            else:
                steps.append(Step(question, texts_of(outcome), seconds))
                question = selection.send(outcome)
    except StopIteration as done:
        return _explained(uri, locator, steps, done.value)
    except LocateError as error:
        return Explanation(tuple(steps), (), str(error))
    return Explanation(tuple(steps), (), f"{uri.host_text}: the DNS leads on and on")


def _explained(uri: SipUri, locator: Locator, steps: list[Step], hops: list[Hop]) -> Explanation:
    try:
        return Explanation(tuple(steps), tuple(locator.permitted(uri, hops)))
    except LocateError as error:
        return Explanation(tuple(steps), (), str(error))


def texts_of(answer: Answer) -> tuple[str, ...]:
    """The records as a zone file has them."""
    records: Sequence[Record] = answer
    return tuple([zone_text(record) for record in records])
