"""The rules of one domain, kept so that a call looks at few of them, however many there are.

Pure; docs/behaviour.md s4 says what a rule matches. Rules are kept by the user of From and the
called domain that they want, and below that by literals that must stand in the called user
(literals.py). What is found so may match; `mismatch` and the expression itself decide. Changing one
rule touches that rule alone. Expressions whose literals tell little, and many that share a literal,
are searched for together, in sets.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

from .expression import START, is_markable
from .literals import literals, marked
from .model import Translation
from .patterns import MAX_TEXT, PatternSet
from .translate import Facts, mismatch

MOST_CANDIDATES: Final = 6
"""Rules that are tried for one call."""

MOST_LOOKED_AT: Final = 100
MOST_SEARCHED: Final = 1000
"""Rules of a domain in one place: so many are not felt by a call (docs/performance.md)."""

_SET_SIZE: Final = 512
"""Expressions in one set: a larger one is felt by calls while it is compiled, some 5 ms."""

_MOST_ALONE: Final = 8
"""Rules with one literal that are searched for one by one, a microsecond or two each."""

_Rank = tuple[int, int, bool]
"""Priority and number, the order of trying; and whether a rule that is found by literals that are
enough, or in a set, needs no search of its own."""
_Ranks = list[_Rank]
_Refused = list[tuple[Translation, str]]
_Key = tuple[bytes, bytes]
"""User of From and called domain that a rule wants; empty for any."""


def place_of(from_username: str, request_domain: str, match_regex: str) -> tuple[str, int]:
    """Where such rules are kept, and how many of a domain may be kept together: a call that comes
    there looks at each of them, or searches for all of their expressions at once."""
    if not match_regex:
        return f"{from_username.lower()} {request_domain} =", MOST_LOOKED_AT
    known = literals(match_regex)
    where = f"{from_username.lower()} {request_domain} {min(known.texts) if known.lead else '?'}"
    if known.are_enough:
        return f"{where} =", MOST_LOOKED_AT
    return where, MOST_SEARCHED


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
                kept = self._kept[_key(rule)] = _Kept(self._rows)
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
            if rank[1] != before:
                before = rank[1]
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
    """Rules that want the same caller and called domain. There may be as many of these as rules,
    so that most have no more than they need: a call feels memory that no other call has used."""

    __slots__ = ("_by_expression", "_plain", "_rows")

    def __init__(self, rows: dict[int, Translation]) -> None:
        self._rows = rows
        self._plain: _Ranks = []
        """Rules without an expression."""
        self._by_expression: _ByExpression | None = None

    def __bool__(self) -> bool:
        return bool(self._plain or self._by_expression)

    def add(self, rule: Translation) -> None:
        if not rule.match_regex:
            insort(self._plain, _rank(rule, True))
            return
        if self._by_expression is None:
            self._by_expression = _ByExpression(self._rows)
        self._by_expression.add(rule)

    def remove(self, rule: Translation) -> None:
        if not rule.match_regex:
            _remove(self._plain, _rank(rule, True))
        elif self._by_expression is not None:
            self._by_expression.remove(rule)
            if not self._by_expression:
                self._by_expression = None

    def compiling(self) -> Iterator[list[tuple[int, str]]]:
        if self._by_expression is not None:
            yield from self._by_expression.compiling()

    def possible(self, text: str) -> list[_Ranks]:
        """The rules that may match, in one sorted list or more."""
        found = [self._plain] if self._plain else []
        if self._by_expression is not None and len(text) <= MAX_TEXT:
            found += self._by_expression.possible(text)
        return found


class _ByExpression:
    """Rules with an expression, by what must stand in the called user."""

    __slots__ = ("_anywhere", "_at_start", "_by_literal", "_crowds", "_rows", "_searched")

    def __init__(self, rows: dict[int, Translation]) -> None:
        self._rows = rows
        self._by_literal: dict[str, _Ranks] = {}
        self._crowds: dict[str, _Searched] = {}
        """By literal, those for which it is not enough, where they are many."""
        self._searched = _Searched()
        """Those that no literal leads to."""
        self._at_start: dict[int, int] = {}
        """How many literals of each length there are: at the start of a text, and elsewhere."""
        self._anywhere: dict[int, int] = {}

    def __bool__(self) -> bool:
        return bool(self._by_literal or self._searched)

    def add(self, rule: Translation) -> None:
        known = literals(rule.match_regex)
        if not known.lead:
            self._searched.add(rule)
            return
        for text in known.texts:
            ranks = self._by_literal.get(text)
            if ranks is None:
                ranks = self._by_literal[text] = []
                lengths = self._lengths(text)
                lengths[len(text)] = lengths.get(len(text), 0) + 1
            crowd = self._crowds.get(text)
            if crowd is not None and not known.are_enough:
                crowd.add(rule)
                continue
            insort(ranks, _rank(rule, known.are_enough))
            if len(ranks) > _MOST_ALONE:
                self._gather(text, ranks)

    def remove(self, rule: Translation) -> None:
        known = literals(rule.match_regex)
        if not known.lead:
            self._searched.remove(rule)
            return
        for text in known.texts:
            ranks, crowd = self._by_literal[text], self._crowds.get(text)
            if crowd is None or known.are_enough:
                _remove(ranks, _rank(rule, known.are_enough))
            else:
                crowd.remove(rule)
                if not crowd:
                    crowd = None
                    del self._crowds[text]
            if not ranks and crowd is None:
                del self._by_literal[text]
                lengths = self._lengths(text)
                lengths[len(text)] -= 1
                if not lengths[len(text)]:
                    del lengths[len(text)]

    def _lengths(self, literal: str) -> dict[int, int]:
        return self._at_start if literal[0] == START else self._anywhere

    def _gather(self, text: str, ranks: _Ranks) -> None:
        """Search together for the rules of a literal that is not enough, if they are many."""
        alone = [number for _, number, is_sure in ranks if not is_sure]
        if len(alone) > _MOST_ALONE:
            crowd = self._crowds[text] = _Searched()
            for number in alone:
                crowd.add(self._rows[number])
            ranks[:] = [rank for rank in ranks if rank[2]]

    def compiling(self) -> Iterator[list[tuple[int, str]]]:
        for one in (self._searched, *self._crowds.values()):
            yield from one.compiling()

    def possible(self, text: str) -> list[_Ranks]:
        """The rules that may match, in one sorted list or more."""
        found: list[_Ranks] = []
        for one in self._literals_of(marked(text)) if self._by_literal else ():
            found.append(self._by_literal[one])
            if one in self._crowds:
                found += self._crowds[one].found(text)
        return found + self._searched.found(text)

    def _literals_of(self, text: str) -> set[str]:
        parts = {text[:length] for length in self._at_start}
        for length in self._anywhere:
            parts.update(text[at : at + length] for at in range(1, len(text) - length + 1))
        return parts & self._by_literal.keys()


class _Searched:
    """Rules whose expressions are searched for together."""

    __slots__ = ("_set_of", "_sets")

    def __init__(self) -> None:
        self._sets: list[_Set] = []
        self._set_of: dict[str, _Set] = {}

    def __bool__(self) -> bool:
        return bool(self._sets)

    def add(self, rule: Translation) -> None:
        """To the set that has its expression, or else one with room."""
        pattern = rule.match_regex
        found = self._set_of.get(pattern)
        if found is None:
            found = next((one for one in reversed(self._sets) if len(one) < _SET_SIZE), None)
        if found is None:
            found = _Set()
            self._sets.append(found)
        self._set_of[pattern] = found
        found.add(pattern, _rank(rule, True))

    def remove(self, rule: Translation) -> None:
        pattern = rule.match_regex
        found = self._set_of[pattern]
        if found.remove(pattern, _rank(rule, True)):
            del self._set_of[pattern]
        if not len(found):
            self._sets.remove(found)

    def compiling(self) -> Iterator[list[tuple[int, str]]]:
        for one in list(self._sets):
            if one.is_changed:
                yield one.compile()

    def found(self, text: str) -> list[_Ranks]:
        found: list[_Ranks] = []
        for one in self._sets:
            found += one.found(text)
        return found


class _Set:
    """Expressions of one RE2 set."""

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
