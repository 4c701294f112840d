"""Samples of expressions: a table, and RE2 as the judge of thousands of others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.directory.model import Translation
from proxy.directory.patterns import MAX_TEXT, compile_pattern
from proxy.directory.samples import samples
from proxy.directory.translate import TranslationError, apply, escaped_user
from proxy.sip.uri import SipUri
from tests.directory.expressions import expressions, texts


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("^1000$", ["1000"]),
        (r"^\+18[0678]{2}[0-9]{7}$", ["+18000000000"]),
        ("^(911|1120)$", ["911", "1120"]),
        ("^9?11$", ["911"]),
        ("^$", [""]),
        ("^0{2,4}$", ["0000"]),
        ("^00(.*)$", ["00" + "0" * (MAX_TEXT - 2), "000"]),
        ("^1+2*$", ["1" * 128 + "2" * 128, "12"]),
        ("1000$", ["0" * (MAX_TEXT - 4) + "1000", "1000"]),
        ("^1000", ["1000" + "0" * (MAX_TEXT - 4), "1000"]),
        ("^1$?", []),
        ("^[^0-9]$", ["a"]),
        (r"^\D\s\W$", ["a -"]),
        ("^(x|y)(1|2)$", ["x1", "x2", "y1", "y2"]),
        ("^(1|2)(1|2)(1|2)(1|2)(1|2)(1|2)$", []),
        ("(?i)sales", []),
        ("^0{1000}$", []),
        ("$1", []),
        ("(", []),
    ],
)
def test_samples(pattern: str, found: list[str]) -> None:
    assert samples(pattern) == found


@settings(max_examples=10 * settings().max_examples)
@given(expressions)
def test_re2_finds_the_expression_in_them(pattern: str) -> None:
    for text in samples(pattern):
        assert len(text) <= MAX_TEXT
        assert compile_pattern(pattern).search(text) is not None


@settings(max_examples=10 * settings().max_examples)
@given(expressions, st.lists(texts, min_size=1), st.integers(0, 6), st.sampled_from(["", 0, 1, 2]))
def test_what_fails_for_all_of_them_fails_for_every_text(
    pattern: str, others: list[str], strip: int, group: int | str
) -> None:
    found = samples(pattern)
    if not found or not pattern or (group != "" and int(group) > compile_pattern(pattern).groups):
        return
    user = b"\\%d" % group if group != "" else b""
    rule = Translation(1, 1, b"", match_regex=pattern, tran_strip=strip, tran_user=user)
    if not any(_makes_a_uri(rule, text) for text in found):
        matching = [one for one in others if one and compile_pattern(pattern).search(one)]
        assert not any(_makes_a_uri(rule, text) for text in matching)


def _makes_a_uri(rule: Translation, user: str) -> bool:
    try:
        apply(rule, SipUri(b"sip", escaped_user(user.encode()), b"example.com"))
    except TranslationError:
        return False
    return True
