"""What must stand in a text for an RE2 expression to be found in it: literals, as far as they show.

Pure. `^\\+1212` is found in no text that does not begin with +1212, so a rule with it need not be
looked at for any other. Many rules are kept by such literals (rules.py), and few are searched for.
What is not understood here has no literals; RE2 alone says what an expression means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .expression import (
    END,
    MOST_CHOICES,
    START,
    Alternatives,
    Anything,
    Choice,
    Node,
    Sequence,
    Text,
    Unclear,
    parse,
)

LONGEST: Final = 24
"""Longest literal, characters: more of a number tells nothing new."""

_MOST: Final = 32
"""Literals of one expression; beyond them none are told."""

_LEAST: Final = (2, -_MOST)
"""A single digit stands in most numbers, and tells nothing."""

_LEADING: Final = 3
"""Characters that few numbers share, marks among them: 49 at the start, but not 7 at the end."""

_NOTHING: Final[frozenset[str]] = frozenset()
_EMPTY: Final = frozenset(("",))


@dataclass(frozen=True, slots=True)
class Literals:
    """What is known of an expression."""

    texts: frozenset[str]
    """One of them at least stands in every text in which the expression is found, between START
    and END. None at all: nothing is known."""

    are_enough: bool
    """The expression is found in every text with one of them."""

    @property
    def lead(self) -> bool:
        """Few texts have one of them, or else nothing is left to search for in those that have."""
        return bool(self.texts) and (self.are_enough or min(map(len, self.texts)) >= _LEADING)


UNKNOWN: Final = Literals(_NOTHING, False)


def marked(text: str) -> str:
    """The text as literals are looked for in it."""
    return f"{START}{text}{END}"


@lru_cache(maxsize=1024)
def literals(pattern: str) -> Literals:
    """The literals of an expression."""
    try:
        part = _part_of(parse(pattern))
    except Unclear:
        return UNKNOWN
    texts = part.best
    if _tells(texts) < _LEAST:
        return UNKNOWN
    cut = frozenset(text[:LONGEST] for text in texts)
    return Literals(cut, part.exact is not None and cut == texts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: all that it can be found as, or else what must be in it."""

    exact: frozenset[str] | None
    needs: frozenset[str] = _NOTHING

    @property
    def best(self) -> frozenset[str]:
        return self.needs if self.exact is None else self.exact


_ANYTHING: Final = _Part(None)


def _part_of(node: Node) -> _Part:
    if isinstance(node, Text):
        return _Part(frozenset((node.text,)))
    if isinstance(node, Choice):
        return _Part(node.chars)
    if isinstance(node, Anything):
        return _ANYTHING
    if isinstance(node, Sequence):
        return _sequence([_part_of(part) for part in node.parts])
    if isinstance(node, Alternatives):
        return _alternation([_part_of(part) for part in node.parts])
    return _repeated(_part_of(node.part), node.least, node.most)


def _tells(texts: frozenset[str]) -> tuple[int, int]:
    """How much a set of literals tells: long ones much, many of them little."""
    return (min(map(len, texts), default=0), -len(texts))


def joined(left: str, right: str) -> str:
    """One after the other; ^ and $ twice are the same as once."""
    if START in right:
        if left not in ("", START):
            raise Unclear
        return right
    if END in left:
        if right not in ("", END):
            raise Unclear
        return left
    return left + right


def _sequence(parts: list[_Part]) -> _Part:
    """Parts one after the other: their longest run of known characters tells most."""
    run, needs, is_exact = _EMPTY, _NOTHING, True
    for part in parts:
        if part.exact is not None and len(run) * len(part.exact) <= MOST_CHOICES:
            run = frozenset(joined(left, right) for left in run for right in part.exact)
            continue
        is_exact = False
        needs = max(needs, run, key=_tells)
        run = _EMPTY
        if part.exact is None:
            needs = max(needs, part.needs, key=_tells)
        else:
            run = part.exact
    if is_exact:
        return _Part(run)
    return _Part(None, max(needs, run, key=_tells))


def _alternation(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    if all(part.exact is not None for part in parts):
        exact = frozenset(text for part in parts for text in part.best)
        if len(exact) <= _MOST:
            return _Part(exact)
    needs = frozenset(text for part in parts for text in part.best)
    told = all(part.best and "" not in part.best for part in parts)
    return _Part(None, needs if told and len(needs) <= _MOST else _NOTHING)


def _repeated(part: _Part, least: int, most: int | None) -> _Part:
    if (least, most) == (0, 1) and part.exact is not None:
        return _Part(part.exact | _EMPTY)
    if least == 0:
        return _ANYTHING
    if least == most and least <= LONGEST and part.exact is not None:
        return _sequence([part] * least)
    return _Part(None, part.best)
