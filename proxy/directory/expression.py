"""Expressions as trees, as far as they are understood. Pure.

What an expression's literals are (literals.py) and what it is found in (samples.py) is read off the
tree. RE2 alone says what an expression means: what is not understood here is Unclear, no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .patterns import MAX_PATTERN

START: Final = "\x02"
END: Final = "\x03"
"""Stand for ^ and $."""

MOST_CHOICES: Final = 6
"""Characters of a class that are told one by one: the digits of [0678], but not those of \\d."""


class Unclear(Exception):
    """A construct that is not read here."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves; START and END among them."""

    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of few characters."""

    chars: frozenset[str]


@dataclass(frozen=True, slots=True)
class Anything:
    """One of many characters, such as `sample`."""

    sample: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after the other."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part so many times; `most` is None where there is no end to it."""

    part: Node
    least: int
    most: int | None


Node = Text | Choice | Anything | Sequence | Alternatives | Repeated


def is_markable(text: str) -> bool:
    """No mark stands in the text itself, so that literals that are enough can be trusted."""
    return START not in text and END not in text


def parse(pattern: str) -> Node:
    """The tree of an expression that RE2 takes; raises Unclear."""
    if len(pattern) > MAX_PATTERN or not is_markable(pattern):
        raise Unclear
    return _Reader(pattern).whole()


_SAMPLES: Final = {"d": "0", "D": "a", "s": " ", "S": "0", "w": "0", "W": "-"}
_LIKELY: Final = "0a+*-A. "
"""What may stand for a class of all but a few."""


_SPECIAL: Final = frozenset("|()[]{}.^$*+?\\")
_COUNTS: Final = frozenset("*+?{")
_ENDS_PLAIN: Final = _SPECIAL | {""}


class _Reader:
    """Reads an expression that RE2 takes; raises Unclear for what it does not know."""

    __slots__ = ("_at", "_depth", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def whole(self) -> Node:
        part = self._alternatives()
        if self._at < len(self._text):
            raise Unclear
        return part

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._next()
        if not char:
            raise Unclear
        self._at += 1
        return char

    def _skip(self, text: str) -> bool:
        if not self._text.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _alternatives(self) -> Node:
        self._depth += 1
        if self._depth > 20:
            raise Unclear
        found = [self._concatenation()]
        while self._skip("|"):
            found.append(self._concatenation())
        self._depth -= 1
        return found[0] if len(found) == 1 else Alternatives(tuple(found))

    def _concatenation(self) -> Node:
        parts: list[Node] = []
        while self._next() not in ("", "|", ")"):
            if plain := self._plain():
                parts.append(Text(plain))
            else:
                parts.append(self._repetition())
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

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

    def _repetition(self) -> Node:
        part = self._atom()
        count = self._count()
        if count is None:
            return part
        self._skip("?")  # how much is taken first does not matter
        if self._next() in _COUNTS:
            raise Unclear
        return Repeated(part, *count)

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
            raise Unclear  # a brace that is only a brace
        self._at += len(inside) + 1
        most = int(low) if not comma else int(high) if high else None
        return int(low), most

    def _atom(self) -> Node:
        char = self._take()
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case ".":
                return Anything("0")
            case "^":
                return Text(START)
            case "$":
                return Text(END)
            case "\\":
                return self._escape()
            case _ if char in _SPECIAL:
                raise Unclear
        return Text(char)

    def _group(self) -> Node:
        if not self._skip("?:") and self._next() == "?":
            raise Unclear  # flags, names
        part = self._alternatives()
        if not self._skip(")"):
            raise Unclear
        return part

    def _escape(self) -> Node:
        char = self._take()
        if char in _SAMPLES:
            return Anything(_SAMPLES[char])
        return Text(_punctuation(char))

    def _class(self) -> Node:
        is_other = self._skip("^")
        ranges: list[tuple[str, str]] = []
        if self._next() == "]":
            raise Unclear
        while not self._skip("]"):
            first = self._class_char()
            last = self._class_char() if self._skip("-") else first
            if not first <= last:
                raise Unclear
            ranges.append((first, last))
        if is_other:
            for char in _LIKELY:
                if not any(first <= char <= last for first, last in ranges):
                    return Anything(char)
            raise Unclear
        chars: set[str] = set()
        for first, last in ranges:
            if ord(last) - ord(first) >= MOST_CHOICES:
                return Anything(first)
            chars.update(map(chr, range(ord(first), ord(last) + 1)))
        return Choice(frozenset(chars)) if len(chars) <= MOST_CHOICES else Anything(ranges[0][0])

    def _class_char(self) -> str:
        char = self._take()
        if char == "\\":
            return _punctuation(self._take())
        if char in "-[]":
            raise Unclear
        return char


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4


def _punctuation(char: str) -> str:
    """The character that an escape stands for: itself; letters and digits mean something else."""
    if char.isalnum() or char == "_" or not char.isascii():
        raise Unclear
    return char
