"""Texts in which an expression is found, for whoever wants to see what a rule makes of them. Pure.

Some are as long as texts can be that the proxy searches, and some have nothing but what is found,
with something in each group where that can be. So what can be made of none of them can be made of
no text at all. Where an expression is not understood, or has too many alternatives, there are none.
"""

from __future__ import annotations

from typing import Final

from .expression import (
    END,
    START,
    Alternatives,
    Anything,
    Choice,
    Node,
    Sequence,
    Text,
    Unclear,
    is_markable,
    parse,
)
from .literals import joined
from .patterns import MAX_TEXT, PatternError, compile_pattern

_MOST: Final = 32
_LONGEST: Final = 4 * MAX_TEXT
_FILLER: Final = "0"
"""Stands before and after what is found, where no ^ or $ says that nothing may."""


def samples(pattern: str) -> list[str]:
    """Texts that the expression is found in; none where they are not known."""
    try:
        tree = parse(pattern)
        shorter, longer = _texts(tree, 1), _texts(tree, 2)
        found: dict[str, None] = {}
        for short, long in zip(shorter, longer, strict=True):
            for text in (*_longest(tree, len(long) - len(short), len(short)), short):
                found |= dict.fromkeys((_filled(text), text.strip(START + END)))
    except Unclear:
        return []
    return [text for text in found if _is_found(pattern, text)]


def _longest(tree: Node, more: int, length: int) -> list[str]:
    """With so many repetitions that the text is just not too long; `more` is what each adds to one
    of `length`."""
    return _texts(tree, 1 + (MAX_TEXT + 2 - length) // more) if more > 0 else []


def _texts(node: Node, many: int) -> list[str]:
    """One text for each way through the alternatives; what has no end is there `many` times."""
    if isinstance(node, Text):
        return [node.text]
    if isinstance(node, Choice):
        return [min(node.chars)]
    if isinstance(node, Anything):
        return [node.sample]
    if isinstance(node, Alternatives):
        return _few([text for part in node.parts for text in _texts(part, many)])
    if isinstance(node, Sequence):
        found = [""]
        for part in node.parts:
            after = _texts(part, many)
            found = _few([joined(text, more) for text in found for more in after])
        return found
    times = max(node.least, many) if node.most is None else node.most
    found = _texts(node.part, many)
    if not all(map(is_markable, found)):
        raise Unclear  # without it, the text may begin or end elsewhere
    return _few([text * times for text in found])


def _few(found: list[str]) -> list[str]:
    if len(found) > _MOST or any(len(text) > _LONGEST for text in found):
        raise Unclear
    return found


def _filled(text: str) -> str:
    """As long as a text may be, where the expression leaves room before or after it."""
    bare = text.strip(START + END)
    filler = _FILLER * (MAX_TEXT - len(bare))
    if not text.startswith(START):
        return filler + bare
    return bare if text.endswith(END) else bare + filler


def _is_found(pattern: str, text: str) -> bool:
    if len(text) > MAX_TEXT:
        return False
    try:
        return compile_pattern(pattern).search(text) is not None
    except PatternError:
        return False
