"""What RE2 takes and refuses, and that a set tells all that match."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.directory.patterns import (
    MAX_PATTERN,
    MAX_TEXT,
    PatternError,
    PatternSet,
    check,
    compile_pattern,
)


@pytest.mark.parametrize(
    "pattern",
    ["", "^1000$", r"^\+18[0678]{2}[0-9]{7}$", "(?i)sales", "[ä-ü]+", "a" * MAX_PATTERN],
)
def test_usable(pattern: str) -> None:
    check(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "missing ): ("),
        ("[a", "missing ]: [a"),
        ("*", "no argument for repetition operator: *"),
        (r"(a)\1", r"invalid escape sequence: \1"),
        ("(?=a)", "invalid perl operator: (?="),
        ("a{2000}", "invalid repetition size: {2000}"),
        ("(a{100}){100}", "invalid repetition size: {100}"),
        (r"[\pL\pN]{200}", "pattern too large - compile failed"),
        ("a" * (MAX_PATTERN + 1), f"the pattern is longer than {MAX_PATTERN} characters"),
        ("\ud800", "the pattern is no text"),
    ],
)
def test_refused_with_its_reason(pattern: str, reason: str) -> None:
    with pytest.raises(PatternError) as refused:
        check(pattern)
    assert str(refused.value) == reason


def test_groups_are_captured() -> None:
    found = compile_pattern("^9(..)(.*)$").search("9491234")
    assert found.groups() == ("49", "1234")


def test_a_set_tells_which_match() -> None:
    patterns = PatternSet(["^1", "2", "^3$", "", "2"])
    assert patterns.matching("12") == [0, 1, 3, 4]
    assert patterns.matching("3") == [2, 3]
    assert patterns.refused == {}


def test_none_match() -> None:
    assert PatternSet(["^1", "^2"]).matching("3") == []
    assert PatternSet([]).matching("3") == []


def test_a_refused_pattern_spoils_no_other() -> None:
    patterns = PatternSet(["^1", "(", "\ud800", "2$"])
    assert patterns.matching("12") == [0, 3]
    assert patterns.refused == {1: "missing ): (", 2: "the pattern is no text"}


def test_what_is_too_large_together_is_searched_for_in_parts() -> None:
    heavy = [rf"\pL{{10}}{number:03d}$" for number in range(40)]
    patterns = PatternSet([*heavy, "^x", r"[\pL\pN]{200}"])
    assert len(patterns._sets) > 1
    assert patterns.matching("abcdefghij007") == [7]
    assert patterns.matching("xbcdefghij039") == [39, 40]
    assert patterns.refused == {41: "pattern too large - compile failed"}


def test_long_text_matches_nothing() -> None:
    patterns = PatternSet(["a"])
    assert patterns.matching("a" * MAX_TEXT) == [0]
    assert patterns.matching("a" * (MAX_TEXT + 1)) == []


@given(st.lists(st.text(max_size=20), max_size=8), st.text(max_size=20))
def test_a_set_agrees_with_each_alone(patterns: list[str], text: str) -> None:
    alone = []
    for position, pattern in enumerate(patterns):
        try:
            found = compile_pattern(pattern).search(text)
        except PatternError:
            continue
        if found is not None:
            alone.append(position)
    assert PatternSet(patterns).matching(text) == alone
