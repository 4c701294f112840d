"""Tenants' patterns on RE2: linear time, whatever they write (HOUSE s1.17). Pure.

One Set holds all patterns of a domain and tells in one pass which of them match.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import re2

MAX_PATTERN: Final = 512
"""Longest pattern, characters."""
_MAX_MEMORY: Final = 256 * 1024 * 1024


class PatternError(Exception):
    """RE2 refuses the pattern; the message is its reason."""


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return options


def check(pattern: str) -> None:
    """Raise PatternError when the pattern cannot be used."""
    compile_pattern(pattern)


def compile_pattern(pattern: str) -> Any:
    """The compiled pattern; raises PatternError."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"the pattern is longer than {MAX_PATTERN} characters")
    try:
        return re2.compile(pattern, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else error
        if isinstance(reason, bytes):
            reason = reason.decode(errors="replace")
        raise PatternError(str(reason)) from error


class PatternSet:
    """Many patterns, searched for together."""

    __slots__ = ("_count", "_set")

    def __init__(self, patterns: Sequence[str]) -> None:
        self._count = len(patterns)
        self._set: Any = None
        if patterns:
            self._set = re2.Set.SearchSet(_options())
            for pattern in patterns:
                self._set.Add(pattern)
            self._set.Compile()

    def matching(self, text: str) -> list[int]:
        """Positions of the patterns that are found in the text, ascending."""
        if not self._count:
            return []
        return sorted(self._set.Match(text) or ())  # None when nothing matches
