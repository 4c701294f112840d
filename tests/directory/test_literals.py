"""The literals of expressions: a table, and RE2 itself as the judge of thousands of others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from proxy.directory.expression import END, START, is_markable
from proxy.directory.literals import LONGEST, literals, marked
from proxy.directory.patterns import PatternError, compile_pattern
from tests.directory.expressions import expressions, texts


@pytest.mark.parametrize(
    ("pattern", "found", "are_enough"),
    [
        ("^1000$", {"<1000>"}, True),
        (r"^\+18[0678]{2}[0-9]{7}$", {"<+18"}, False),
        ("^(911|112)$", {"<112>", "<911>"}, True),
        ("5551212$", {"5551212>"}, True),
        ("1212", {"1212"}, True),
        (r"^\+?1800", {"<+1800", "<1800"}, True),
        ("^00(.*)$", {"<00"}, False),
        ("^1[0-9]{3}5551212$", {"5551212>"}, False),
        ("^[12]0[34]$", {"<103>", "<104>", "<203>", "<204>"}, True),
        ("^[0-9]12", {"12"}, False),
        ("^(?:4|5)9[5-6]", {"<495", "<496", "<595", "<596"}, True),
        ("^x{3}", {"<xxx"}, True),
        ("^12+3", {"<1"}, False),
        ("^12*3", {"<1"}, False),
        ("^(1|2|3|4|5|6|7)00$", {"00>"}, False),
        (r"^a\.b\-c", {"<a.b-c"}, True),
        ("^$", {"<>"}, True),
        ("^" + "1" * 40 + "$", {"<" + "1" * (LONGEST - 1)}, False),
        ("^9*$", set(), False),
        ("1", set(), False),
        ("[2-9][0-9]{6}", set(), False),
        ("a|", set(), False),
        ("$^", set(), False),
        ("a^b", set(), False),
        ("(?i)sales", set(), False),
        ("(?P<n>123)", set(), False),
        (r"\x31\x32", set(), False),
        ("[[:digit:]]12", set(), False),
        ("12{", set(), False),
        ("12)", set(), False),
        ("(12", set(), False),
        ("a{2}{3}", set(), False),
        ("(" * 30 + "12" + ")" * 30, set(), False),
        ("1\x0212", set(), False),
    ],
)
def test_literals(pattern: str, found: set[str], are_enough: bool) -> None:
    shown = {text.replace(START, "<").replace(END, ">") for text in literals(pattern).texts}
    assert (shown, literals(pattern).are_enough) == (found, are_enough)


@settings(max_examples=10 * settings().max_examples)
@given(expressions, texts)
def test_re2_finds_nothing_without_them(pattern: str, text: str) -> None:
    known = literals(pattern)
    has_one = any(one in marked(text) for one in known.texts)
    try:
        is_found = compile_pattern(pattern).search(text) is not None
    except PatternError:
        assert not known.are_enough
        return
    if known.texts and is_found:
        assert has_one
    if known.are_enough and is_markable(text):
        assert is_found == has_one
