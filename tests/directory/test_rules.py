"""Rules of a domain: which are candidates, in which order, and that changing them one by one comes
to the same as walking through all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.directory.model import Translation
from proxy.directory.patterns import MAX_TEXT
from proxy.directory.rules import MOST_CANDIDATES, Rules
from proxy.directory.translate import Facts, explain
from proxy.sip.uri import SipUri
from tests.directory.expressions import expressions, texts

PLAIN = Translation(9, 1, b"example.com")


def facts(user: bytes = b"1000") -> Facts:
    return Facts(b"alice", b"Snom", user, b"x.example")


def never() -> float:
    raise AssertionError("nothing was to be drawn")


def test_rules_of_many_users_are_told_apart() -> None:
    rules = [replace(PLAIN, translation_id=n, from_username=b"u%d" % n) for n in range(100)]
    rules += [
        replace(rule, translation_id=1000 + n, match_regex="^1", request_domain=b"x")
        for n, rule in enumerate(rules)
    ]
    made = Rules(rules)
    found = made.candidates(Facts(b"U7", b"", b"1000", b"x"), lambda: 0.0)
    assert [rule.translation_id for rule in found] == [7, 1007]
    found = made.candidates(Facts(b"u7", b"", b"1000", b"y"), lambda: 0.0)
    assert [rule.translation_id for rule in found] == [7]


def test_lowest_priority_first_and_disabled_never() -> None:
    rules = [
        replace(PLAIN, translation_id=1, priority=99),
        replace(PLAIN, translation_id=2, priority=10, match_regex="^1"),
        replace(PLAIN, translation_id=3, priority=5, enabled=False),
        replace(PLAIN, translation_id=4, priority=7, match_regex="^2"),
        replace(PLAIN, translation_id=5, priority=20, match_regex="^1"),
    ]
    found = Rules(rules).candidates(facts(), never)
    assert [rule.translation_id for rule in found] == [2, 5, 1]


def test_equal_priorities_share_by_weight() -> None:
    rules = Rules([replace(PLAIN, translation_id=one, weight=one) for one in (1, 2, 7)])
    random = Random(5)
    first = Counter(
        rules.candidates(facts(), random.random)[0].translation_id for _ in range(10_000)
    )
    assert first[1] == pytest.approx(1000, abs=150)
    assert first[2] == pytest.approx(2000, abs=200)
    assert first[7] == pytest.approx(7000, abs=250)


@pytest.mark.parametrize("draw", [0.0, 0.5, 0.999999])
def test_weights_of_nothing_still_give_each_rule_once(draw: float) -> None:
    rules = [replace(PLAIN, translation_id=one, weight=0) for one in (1, 2, 3)]
    found = Rules(rules).candidates(facts(), lambda: draw)
    assert sorted(rule.translation_id for rule in found) == [1, 2, 3]


def test_a_refused_expression_never_matches_and_says_why() -> None:
    rules = Rules()
    broken = [replace(PLAIN, translation_id=n, match_regex="(") for n in (1, 2)]
    too_large = replace(PLAIN, translation_id=3, match_regex="^12(a{100}){100}")
    for rule in (*broken, too_large, PLAIN):
        rules.put(rule)
    told = [each for refused in rules.compiling() for each in refused]
    assert told == [(rule, "missing ): (") for rule in broken]
    assert rules.candidates(facts(b"12"), never) == [PLAIN]


def test_no_more_than_can_be_tried() -> None:
    rules = Rules(replace(PLAIN, translation_id=n, priority=n // 4) for n in range(100))
    found = rules.candidates(facts(), lambda: 0.0)
    assert [rule.translation_id for rule in found] == list(range(MOST_CANDIDATES))


@pytest.mark.parametrize("pattern", ["^1", "[0-9]"])
def test_a_long_user_matches_no_expression(pattern: str) -> None:
    rules = Rules([replace(PLAIN, match_regex=pattern)])
    assert rules.candidates(facts(b"1" * MAX_TEXT), never)
    assert not rules.candidates(facts(b"1" * (MAX_TEXT + 1)), never)


def test_many_expressions_without_literals() -> None:
    """More than one set holds."""
    rules = Rules(
        replace(PLAIN, translation_id=n, match_regex=f"[a-j]{n:03}[k-z]") for n in range(600)
    )
    for number in range(0, 600, 3):
        rules.drop(number)
    for number in range(600):
        found = rules.candidates(facts(b"a%03dz" % number), never)
        assert [rule.translation_id for rule in found] == [number] * (number % 3 != 0)


@pytest.mark.parametrize("form", ["^\\+4930[0-9]{%d}$", "^\\+49(30|40)[0-9]{%d}$"])
def test_many_expressions_with_one_literal(form: str) -> None:
    """More than are searched for one by one, beside those for which the literal is enough."""
    rules = Rules([replace(PLAIN, match_regex="^\\+4930"), replace(PLAIN, translation_id=8)])
    some = [replace(PLAIN, translation_id=n + 10, match_regex=form % n) for n in range(30)]
    for rule in some:
        rules.put(rule)
    for rule in some[::3]:
        rules.drop(rule.translation_id)
    for n in range(30):
        found = rules.candidates(facts(b"+4930" + b"7" * n), lambda: 0.0)
        assert {rule.translation_id for rule in found} == {8, 9, n + 10} - {
            rule.translation_id for rule in some[::3]
        }
    for rule in some:
        rules.drop(rule.translation_id)
    found = [kept._by_expression for kept in rules._kept.values()]
    assert not any(one._crowds for one in found if one is not None)
    assert len(rules.candidates(facts(b"+4930"), lambda: 0.0)) == 2


def test_what_is_dropped_leaves_nothing() -> None:
    rules = Rules()
    for n, pattern in enumerate(("", "^1", "^1", "1000$", "[0-9]", "[0-9]", "^[12]0", "(")):
        rules.put(replace(PLAIN, translation_id=n, match_regex=pattern, priority=n))
    assert len(rules.candidates(facts(), never)) == 6
    for n in range(8):
        rules.drop(n)
    rules.drop(4711)
    assert not rules.candidates(facts(), never)
    assert not len(rules)
    assert not rules._kept


names = st.sampled_from([b"", b"", b"alice", b"Bob"])
rules_of_any_kind = st.builds(
    replace,
    st.just(PLAIN),
    translation_id=st.integers(1, 6),
    from_username=names,
    match_user_agent=st.sampled_from([b"", b"Sn", b"Yealink"]),
    request_domain=st.sampled_from([b"", b"", b"x.example", b"y.example"]),
    match_regex=st.just("") | expressions,
    priority=st.integers(1, 3),
    weight=st.integers(0, 3),
    enabled=st.sampled_from([True, True, True, False]),
)
changes = st.lists(rules_of_any_kind | st.integers(1, 6), max_size=14)


@settings(max_examples=5 * settings().max_examples)
@given(changes, st.lists(texts, min_size=1, max_size=3), names, st.integers())
def test_it_is_the_same_as_to_walk_through_all(
    changes: list[Translation | int], called: list[str], caller: bytes, seed: int
) -> None:
    rules, rows, random = Rules(), dict[int, Translation](), Random(seed)
    for change in changes:
        if isinstance(change, int):
            rules.drop(change)
            rows.pop(change, None)
        else:
            rules.put(change)
            rows[change.translation_id] = change
        for user in called:
            asked = Facts(caller, b"Snom", user.encode(), b"x.example")
            found = rules.candidates(asked, random.random, 100)
            verdicts = explain(list(rows.values()), asked, SipUri(b"sip", b"1", b"x", None))
            matching = [one.rule for one in verdicts if one.reason is None]
            by_rank = sorted(found, key=lambda rule: (rule.priority, rule.translation_id))
            assert by_rank == matching
            assert [rule.priority for rule in found] == [rule.priority for rule in matching]
            few = rules.candidates(asked, lambda: 0.0, 2)
            assert few == rules.candidates(asked, lambda: 0.0, 100)[:2]
    assert len(rules) == sum(row.enabled for row in rows.values())
