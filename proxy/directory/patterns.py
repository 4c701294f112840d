"""Tenants' patterns on RE2: linear time, whatever they write. Pure.

A set holds some hundred patterns of a domain (rules.py) and tells in one pass which of them match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import re2

MAX_PATTERN: Final = 512
"""Longest pattern, characters."""

MAX_TEXT: Final = 256
"""Longest text that is searched: no user part of a telephone is longer."""

# Room for the program of one pattern: a number plan needs 64 KiB, \pL{100} is refused in 2 ms.
_PATTERN_MEMORY: Final = 256 * 1024
# Room for a set's program and the states that matching makes on its way, taken as far as it is
# needed; 20,000 patterns of telephone numbers take 10 MB. With a quarter of this, 256 patterns
# such as .*[12].3*.$ made their states anew with each text: 400 us instead of 8.
_SET_MEMORY: Final = 8 * 1024 * 1024
_SET_MEMORY_EACH: Final = 4 * 1024
_MOST_SET_MEMORY: Final = 64 * 1024 * 1024


class PatternError(Exception):
    """RE2 refuses the pattern; the message is its reason."""


def _options(max_memory: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_memory
    return options


_ONE: Final = _options(_PATTERN_MEMORY)


def check(pattern: str) -> None:
    """Raise PatternError when the pattern cannot be used."""
    compile_pattern(pattern)


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern, remembered while it is in use; raises PatternError."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters")
    try:
        return re2.compile(pattern, _ONE)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, bytes):
            reason = reason.decode(errors="replace")
        raise PatternError(str(reason)) from error
    except UnicodeEncodeError as error:
        raise PatternError("the pattern is no text") from error


class PatternSet:
    """Many patterns, searched for together.

    Patterns that RE2 refuses match nothing and stand in `refused` with the reason.
    """

    __slots__ = ("_sets", "refused")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.refused: dict[int, str] = {}
        self._sets: list[tuple[list[int], Any]] = []
        self._add(patterns, list(range(len(patterns))))

    def _add(self, patterns: Sequence[str], positions: list[int]) -> None:
        """One set of all, or of halves where their program would be too large together."""
        memory = min(_SET_MEMORY + len(positions) * _SET_MEMORY_EACH, _MOST_SET_MEMORY)
        made = re2.Set.SearchSet(_options(memory))
        usable = []
        for position in positions:
            try:
                made.Add(patterns[position])
            except (re2.error, UnicodeEncodeError) as error:
                if not self._is_refused(position, patterns[position]):
                    self.refused[position] = str(error)
            else:
                usable.append(position)
        if not usable:
            return
        try:
            made.Compile()
        except re2.error:
            # Those that are too large alone are on entry refused, but found here none the less.
            usable = [one for one in usable if not self._is_refused(one, patterns[one])]
            if len(usable) == 1:
                self.refused[usable[0]] = "the pattern cannot be searched for"
                return
            middle = len(usable) // 2
            self._add(patterns, usable[:middle])
            self._add(patterns, usable[middle:])
        else:
            self._sets.append((usable, made))

    def _is_refused(self, position: int, pattern: str) -> bool:
        try:
            compile_pattern(pattern)
        except PatternError as error:
            self.refused[position] = str(error)
            return True
        return False

    def matching(self, text: str) -> list[int]:
        """Positions of the patterns that are found in the text, ascending."""
        found: list[int] = []
        if len(text) > MAX_TEXT:
            return found
        for positions, one in self._sets:
            found += [positions[number] for number in one.Match(text) or ()]
        found.sort()
        return found
