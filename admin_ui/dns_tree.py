"""What was asked of the DNS for one address, as a tree: each name below the answer that led to it,
each server below its address (RFC 3263). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fedsip_platform.federation.shown import place


@dataclass(slots=True)
class Question:
    """What was asked, what came of it, and what was asked or found because of that."""

    kind: str
    name: str
    answers: Sequence[str]
    error: str
    below: list[Question] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    """Transport, address and port of each, with its place in the order of trying."""


@dataclass(frozen=True, slots=True)
class Tree:
    """An address, what was asked first, and the servers that needed no question."""

    uri: str
    questions: list[Question]
    servers: list[str]
    error: str


def tree_of(located: Mapping[str, Any]) -> Tree:
    """Of what `federation.shown.of_located` tells."""
    asked: list[Question] = []
    first: list[Question] = []
    for step in located["steps"]:
        question = Question(step["kind"], step["name"], step["answers"], step["error"])
        above = next((one for one in reversed(asked) if _leads_to(one, question.name)), None)
        (first if above is None else above.below).append(question)
        asked.append(question)
    loose: list[str] = []
    for number, hop in enumerate(located["hops"], start=1):
        at = next((one for one in asked if hop["address"] in one.answers), None)
        said = f"{number}. {hop['transport'].upper()} {place(hop['address'], hop['port'])}"
        (loose if at is None else at.servers).append(said)
    return Tree(located["uri"], first, loose, located["error"])


def _leads_to(above: Question, name: str) -> bool:
    """Whether an answer of NAPTR or SRV ends with that name."""
    wanted = name.rstrip(".").lower()
    ends = (answer.split()[-1].rstrip(".").lower() for answer in above.answers if answer)
    return above.kind in ("NAPTR", "SRV") and wanted in ends
