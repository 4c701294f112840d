"""What must stand in a text for an RE2 expression to be found in it: literals, as far as they show.

Pure. `^\\+1212` is found in no text that does not begin with +1212, so a rule with it need not be
looked at for any other. Many rules are kept by such literals (rules.py), and few are searched for.
What is not understood here has no literals; RE2 alone says what an expression means.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from .patterns import MAX_PATTERN

START: Final = "\x02"
END: Final = "\x03"
"""Stand before and after each text, and for ^ and $ in literals."""

LONGEST: Final = 24
"""Longest literal, characters: more of a number tells nothing new."""

_MOST_CHOICES: Final = 6
"""Literals that one run of characters may come to: the digits of [0678], but not those of \\d."""

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


def is_markable(text: str) -> bool:
    """No mark stands in the text itself, so that literals that are enough can be trusted."""
    return START not in text and END not in text


@lru_cache(maxsize=1024)
def literals(pattern: str) -> Literals:
    """The literals of an expression."""
    if len(pattern) > MAX_PATTERN or not is_markable(pattern):
        return UNKNOWN
    try:
        part = _Reader(pattern).whole()
    except _Unclear:
        return UNKNOWN
    texts = part.best
    if _tells(texts) < _LEAST:
        return UNKNOWN
    cut = frozenset(text[:LONGEST] for text in texts)
    return Literals(cut, part.exact is not None and cut == texts)


def longest_text(pattern: str) -> int | None:
    """Most characters of a text in which the expression is found, where its literals are whole
    texts: 4 for ^1000$. None where they do not tell."""
    texts = literals(pattern).texts
    if not texts or not all(one.startswith(START) and one.endswith(END) for one in texts):
        return None
    return max(map(len, texts)) - len(START + END)


class _Unclear(Exception):
    """A construct that is not read here."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an expression: all that it can be found as, or else what must be in it."""

    exact: frozenset[str] | None
    needs: frozenset[str] = _NOTHING

    @property
    def best(self) -> frozenset[str]:
        return self.needs if self.exact is None else self.exact


_ANYTHING: Final = _Part(None)


def _tells(texts: frozenset[str]) -> tuple[int, int]:
    """How much a set of literals tells: long ones much, many of them little."""
    return (min(map(len, texts), default=0), -len(texts))


def _joined(left: str, right: str) -> str:
    """One after the other; ^ and $ twice are the same as once."""
    if START in right:
        if left not in ("", START):
            raise _Unclear
        return right
    if END in left:
        if right not in ("", END):
            raise _Unclear
        return left
    return left + right


def _sequence(parts: list[_Part]) -> _Part:
    """Parts one after the other: their longest run of known characters tells most."""
    run, needs, is_exact = _EMPTY, _NOTHING, True
    for part in parts:
        if part.exact is not None and len(run) * len(part.exact) <= _MOST_CHOICES:
            run = frozenset(_joined(left, right) for left in run for right in part.exact)
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


_SPECIAL: Final = frozenset("|()[]{}.^$*+?\\")
_COUNTS: Final = frozenset("*+?{")
_ENDS_PLAIN: Final = _SPECIAL | {""}


class _Reader:
    """Reads an expression that RE2 takes; raises _Unclear for what it does not know."""

    __slots__ = ("_at", "_depth", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> _Part:
        part = self._alternatives()
        if self._at < len(self._text):
            raise _Unclear
        return part

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._next()
        if not char:
            raise _Unclear
        self._at += 1
        return char

    def _skip(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _alternatives(self) -> _Part:
        self._depth += 1
        if self._depth > 20:
            raise _Unclear
        found = [self._concatenation()]
        while self._skip("|"):
            found.append(self._concatenation())
        self._depth -= 1
        return _alternation(found)

    def _concatenation(self) -> _Part:
        parts = []
        while self._next() not in ("", "|", ")"):
            if plain := self._plain():
                parts.append(_Part(frozenset((plain,))))
            else:
                parts.append(self._repetition())
        return _sequence(parts)

    def _plain(self) -> str:
        """Characters that stand for themselves, each of them once."""
        end = self._at
        while self._text[end : end + 1] not in _ENDS_PLAIN:
            end += 1
        if self._text[end : end + 1] in _COUNTS:
            end -= 1  # the last one comes so many times
        plain = self._text[self._at : end] if end > self._at else ""
        self._at += len(plain)
        return plain

    def _repetition(self) -> _Part:
        part = self._atom()
        count = self._count()
        if count is None:
            return part
        self._skip("?")  # how much is taken first does not matter
        if self._next() in _COUNTS:
            raise _Unclear
        return _repeated(part, *count)

    def _count(self) -> tuple[int, int | None] | None:
        """How often what stands before may come; None when nothing says so."""
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._skip(sign):
                return least, most
        if not self._skip("{"):
            return None
        inside, closed, _ = self._text[self._at :].partition("}")
        low, comma, high = inside.partition(",")
        if not closed or not _is_count(low) or not (_is_count(high) or not high):
            raise _Unclear  # a brace that is only a brace
        self._at += len(inside) + 1
        most = int(low) if not comma else int(high) if high else None
        return int(low), most

    def _atom(self) -> _Part:
        char = self._take()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return _ANYTHING
            case "^":
                return _Part(frozenset((START,)))
            case "$":
                return _Part(frozenset((END,)))
            case "\\":
                return self._escape()
            case _ if char in _SPECIAL:
                raise _Unclear
        return _Part(frozenset((char,)))

    def _group(self) -> _Part:
        if not self._skip("?:") and self._next() == "?":
            raise _Unclear  # flags, names
        part = self._alternatives()
        if not self._skip(")"):
            raise _Unclear
        return part

    def _escape(self) -> _Part:
        char = self._take()
        if char in "dDsSwW":
            return _ANYTHING
        return _Part(frozenset((_punctuation(char),)))

    def _class(self) -> _Part:
        is_open = self._skip("^")
        chars: set[str] = set()
        if self._next() == "]":
            raise _Unclear
        while not self._skip("]"):
            first = self._class_char()
            last = self._class_char() if self._skip("-") else first
            if not first <= last:
                raise _Unclear
            is_open = is_open or ord(last) - ord(first) >= _MOST_CHOICES
            if not is_open:
                chars.update(map(chr, range(ord(first), ord(last) + 1)))
        return _ANYTHING if is_open or len(chars) > _MOST_CHOICES else _Part(frozenset(chars))

    def _class_char(self) -> str:
        char = self._take()
        if char == "\\":
            return _punctuation(self._take())
        if char in "-[]":
            raise _Unclear
        return char


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _punctuation(char: str) -> str:
    """The character that an escape stands for: itself; letters and digits mean something else."""
    if char.isalnum() or char == "_" or not char.isascii():
        raise _Unclear
    return char
