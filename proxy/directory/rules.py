"""The rules of one domain, kept so that a call looks at few of them, however many there are.

Pure; docs/behaviour.md s4 says what a rule matches. Rules are kept by the user of From and the
called domain that they want, and below that by literals that must stand in the called user
(literals.py). What is found so may match; `mismatch` and the expression itself decide. Changing one
rule touches that rule alone. Expressions without any literal are searched for together, in sets.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from .literals import START, is_markable, literals, marked
from .model import Translation
from .patterns import MAX_TEXT, PatternSet
from .translate import Facts, mismatch

MOST_CANDIDATES: Final = 6
"""Rules that are tried for one call."""

_SET_SIZE: Final = 128
"""Expressions in one set: a larger one is felt by calls while it is compiled, some 5 ms."""

_Rank = tuple[int, int, bool]
"""Priority and number, the order of trying; and whether a rule that is found by literals that are
enough, or in a set, needs no search of its own."""
_Ranks = list[_Rank]
_Refused = list[tuple[Translation, str]]
_Key = tuple[bytes, bytes]
"""User of From and called domain that a rule wants; empty for any."""


class Rules:
    """The enabled rules of one domain, ready to match."""

    __slots__ = ("_count", "_kept", "_rows")

    def __init__(self, rules: Iterable[Translation] = ()) -> None:
        self._count = 0
        self._rows: dict[int, Translation] = {}
        self._kept: dict[_Key, _Kept] = {}
        for rule in rules:
            self.put(rule)
        for _ in self.compiling():
            pass

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> dict[int, Translation]:
        """All of them by number, those that are off too."""
        return self._rows

    def put(self, rule: Translation) -> None:
        """Add a rule, or change the one with its number."""
        self.drop(rule.translation_id)
        self._rows[rule.translation_id] = rule
        if rule.enabled:
            self._count += 1
            kept = self._kept.get(_key(rule))
            if kept is None:
                kept = self._kept[_key(rule)] = _Kept()
            kept.add(rule)

    def drop(self, translation_id: int) -> None:
        """Forget a rule, if there is one with that number."""
        rule = self._rows.pop(translation_id, None)
        if rule is None or not rule.enabled:
            return
        self._count -= 1
        kept = self._kept[_key(rule)]
        kept.remove(rule)
        if not kept:
            del self._kept[_key(rule)]

    def compiling(self) -> Iterator[_Refused]:
        """Compile what changed, a bit with each step, each giving the rules whose expression RE2
        refuses with the reason. A call that comes before the end compiles what it needs."""
        for kept in list(self._kept.values()):
            for refused in kept.compiling():
                yield [(self._rows[number], reason) for number, reason in refused]

    def candidates(
        self, facts: Facts, draw: Callable[[], float], most: int = MOST_CANDIDATES
    ) -> list[Translation]:
        """The rules that match, in the order of trying: by priority, equals by weighted draw.

        `draw()` gives a number in [0, 1).
        """
        text = facts.request_user.decode("utf-8", "replace")
        trusted = is_markable(text)
        ordered: list[Translation] = []
        equals: list[Translation] = []
        for rule, is_sure in self._possible(facts, text):
            if equals and rule.priority != equals[0].priority:
                ordered += _drawn(equals, draw, most - len(ordered))
                if len(ordered) == most:
                    return ordered
                equals = []
            if mismatch(rule, facts) is not None:
                continue
            if (is_sure and trusted) or _is_found(rule.match_regex, text):
                equals.append(rule)
        return ordered + _drawn(equals, draw, most - len(ordered))

    def _possible(self, facts: Facts, text: str) -> Iterator[tuple[Translation, bool]]:
        """The rules that may match, by priority, each of them once, and whether it surely does as
        far as its expression goes."""
        user, domain = facts.from_user.lower(), facts.request_domain
        found: list[_Ranks] = []
        for key in {(b"", b""), (user, b""), (b"", domain), (user, domain)}:
            kept = self._kept.get(key)
            if kept is not None:
                found += kept.possible(text)
        before = None
        for rank in heapq.merge(*found):
            if rank != before:
                before = rank
                yield self._rows[rank[1]], rank[2]


def _key(rule: Translation) -> _Key:
    return rule.from_username.lower(), rule.request_domain


def _drawn(equals: list[Translation], draw: Callable[[], float], most: int) -> list[Translation]:
    """So many rules of one priority, each next one by weighted draw."""
    ordered: list[Translation] = []
    left = list(equals)
    while len(left) > 1 and len(ordered) < most:
        total = sum(max(rule.weight, 0) for rule in left)
        point = draw() * total
        chosen = left[0]
        for rule in left:
            point -= max(rule.weight, 0)
            if point < 0:
                chosen = rule
                break
        ordered.append(chosen)
        left = [rule for rule in left if rule is not chosen]
    return (ordered + left)[:most]


def _is_found(pattern: str, text: str) -> bool:
    return not pattern or bool(_alone(pattern).matching(text))


@lru_cache(maxsize=1024)
def _alone(pattern: str) -> PatternSet:
    return PatternSet((pattern,))


class _Kept:
    """Rules that want the same caller and called domain, by what must stand in the called user."""

    __slots__ = ("_anywhere", "_at_start", "_by_literal", "_plain", "_set_of", "_sets")

    def __init__(self) -> None:
        self._plain: _Ranks = []
        """Rules without an expression."""
        self._by_literal: dict[str, _Ranks] = {}
        self._at_start: dict[int, int] = {}
        """How many literals of each length there are: at the start of a text, and elsewhere."""
        self._anywhere: dict[int, int] = {}
        self._sets: list[_Set] = []
        self._set_of: dict[str, _Set] = {}

    def __bool__(self) -> bool:
        return bool(self._plain or self._by_literal or self._sets)

    def add(self, rule: Translation) -> None:
        pattern = rule.match_regex
        if not pattern:
            insort(self._plain, _rank(rule, True))
            return
        known = literals(pattern)
        rank = _rank(rule, known.are_enough or not known.texts)
        for text in known.texts:
            ranks = self._by_literal.get(text)
            if ranks is None:
                ranks = self._by_literal[text] = []
                lengths = self._lengths(text)
                lengths[len(text)] = lengths.get(len(text), 0) + 1
            insort(ranks, rank)
        if not known.texts:
            self._set_for(pattern).add(pattern, rank)

    def remove(self, rule: Translation) -> None:
        pattern = rule.match_regex
        if not pattern:
            _remove(self._plain, _rank(rule, True))
            return
        known = literals(pattern)
        rank = _rank(rule, known.are_enough or not known.texts)
        for text in known.texts:
            ranks = self._by_literal[text]
            _remove(ranks, rank)
            if not ranks:
                del self._by_literal[text]
                lengths = self._lengths(text)
                lengths[len(text)] -= 1
                if not lengths[len(text)]:
                    del lengths[len(text)]
        if not known.texts:
            found = self._set_of[pattern]
            if found.remove(pattern, rank):
                del self._set_of[pattern]
            if not len(found):
                self._sets.remove(found)

    def _lengths(self, literal: str) -> dict[int, int]:
        return self._at_start if literal[0] == START else self._anywhere

    def _set_for(self, pattern: str) -> _Set:
        """The set that has the expression, or else one with room."""
        known = self._set_of.get(pattern)
        if known is not None:
            return known
        room = next((one for one in reversed(self._sets) if len(one) < _SET_SIZE), None)
        if room is None:
            room = _Set()
            self._sets.append(room)
        self._set_of[pattern] = room
        return room

    def compiling(self) -> Iterator[list[tuple[int, str]]]:
        for one in list(self._sets):
            if one.is_changed:
                yield one.compile()

    def possible(self, text: str) -> list[_Ranks]:
        """The rules that may match, in one sorted list or more."""
        found = [self._plain] if self._plain else []
        if len(text) > MAX_TEXT:
            return found
        if self._by_literal:
            found += (self._by_literal[one] for one in self._literals_of(marked(text)))
        for one in self._sets:
            found += one.found(text)
        return found

    def _literals_of(self, text: str) -> set[str]:
        parts = {text[:length] for length in self._at_start}
        for length in self._anywhere:
            parts.update(text[at : at + length] for at in range(1, len(text) - length + 1))
        return parts & self._by_literal.keys()


class _Set:
    """Expressions without literals, which are searched for together."""

    __slots__ = ("_compiled", "_patterns", "_ranks", "is_changed")

    def __init__(self) -> None:
        self._ranks: dict[str, _Ranks] = {}
        self._patterns: list[str] = []
        self._compiled = PatternSet(())
        self.is_changed = False

    def __len__(self) -> int:
        return len(self._ranks)

    def add(self, pattern: str, rank: _Rank) -> None:
        if pattern not in self._ranks:
            self._ranks[pattern] = []
            self.is_changed = True
        insort(self._ranks[pattern], rank)

    def remove(self, pattern: str, rank: _Rank) -> bool:
        """Take a rule out; True when that was the last one with the expression."""
        ranks = self._ranks[pattern]
        _remove(ranks, rank)
        if ranks:
            return False
        del self._ranks[pattern]
        self.is_changed = True
        return True

    def compile(self) -> list[tuple[int, str]]:
        """Make the set anew; gives the numbers of rules that RE2 refuses with the reason."""
        self._patterns = list(self._ranks)
        self._compiled = PatternSet(self._patterns)
        self.is_changed = False
        return [
            (number, reason)
            for at, reason in self._compiled.refused.items()
            for _, number, _ in self._ranks[self._patterns[at]]
        ]

    def found(self, text: str) -> list[_Ranks]:
        if self.is_changed:
            self.compile()
        return [self._ranks[self._patterns[at]] for at in self._compiled.matching(text)]


def _rank(rule: Translation, is_sure: bool) -> _Rank:
    return rule.priority, rule.translation_id, is_sure


def _remove(ranks: _Ranks, rank: _Rank) -> None:
    del ranks[bisect_left(ranks, rank)]
