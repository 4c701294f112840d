"""Expressions as tenants might write them, sensible or not, and texts that some of them match."""

from __future__ import annotations

from hypothesis import strategies as st

_ATOMS = st.sampled_from(
    [
        *("0", "1", "00", "1000", "a", "A", r"\+", r"\.", ".", "^", "$", r"\d", r"\D", r"\b", "()"),
        *("[01]", "[0-9]", "[^0]", "[a-c1]", r"[\d]", "[]a]", "[^]0]", "[0-]", "[[:digit:]]", "ä"),
        *(r"\x30", r"\pN", r"\Q1+\E", "(?i)", "(?m)", "(?s:.)", "(?P<n>1)", "\x02", "\n", r"\A"),
        *(r"\z", "{", "}", "{1", "]", "-", "|", r"\1", r"\_", r"\-"),
    ]
)
_COUNTS = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{1,}", "{0,2}", "{,2}"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.lists(inner, max_size=4).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        inner.map("({})".format),
        inner.map("(?:{})".format),
        st.tuples(inner, _COUNTS).map("".join),
        inner.map("^{}$".format),
        inner.map("^{}".format),
    )


expressions = st.recursive(_ATOMS, _larger, max_leaves=8) | st.text(max_size=12)
texts = st.text("01a+A.\nä\x02\x03-", max_size=8) | st.sampled_from(["1000", "+1", ""])
