"""Translations: the two rules of the talk, each field, the order of trying, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.directory.model import Translation
from proxy.directory.rules import Rules
from proxy.directory.translate import (
    Facts,
    TranslationError,
    apply,
    explain,
    mismatch,
)
from proxy.sip.uri import SipUri, parse_uri

HOME = b"proxy123.uphreak.com"
ERIC = Translation(
    1,
    1,
    HOME,
    match_regex="^1000$",
    tran_user=b"eric",
    tran_domain=b"workshop.uphreak.com",
)
TOLL_FREE = Translation(
    2,
    1,
    HOME,
    match_regex=r"^\+18[0678]{2}[0-9]{7}$",
    tran_strip=1,
    tran_domain=b"tf.arctele.com",
)
PLAIN = Translation(9, 1, HOME)


def uri(text: bytes) -> SipUri:
    parsed = parse_uri(text)
    assert isinstance(parsed, SipUri)
    return parsed


def facts(user: bytes = b"1000", **others: bytes) -> Facts:
    known = {"from_user": b"alice", "user_agent": b"Snom", "request_domain": b"x.example"}
    return Facts(request_user=user, **(known | others))


def never() -> float:
    raise AssertionError("nothing was to be drawn")


@pytest.mark.parametrize(
    ("called", "translated"),
    [
        (b"sip:1000@x", b"sip:eric@workshop.uphreak.com"),
        (b"sip:+18005551212@x", b"sip:18005551212@tf.arctele.com"),
        (b"sip:+18885551212@x:5070", b"sip:18885551212@tf.arctele.com:5070"),
        (b"sip:1001@x", None),
        (b"sip:10000@x", None),
        (b"sip:+18105551212@x", None),
        (b"sip:18005551212@x", None),
    ],
)
def test_the_rules_of_the_talk(called: bytes, translated: bytes | None) -> None:
    target = uri(called)
    found = Rules([TOLL_FREE, ERIC]).candidates(facts(target.user or b""), never)
    if translated is None:
        assert found == []
    else:
        assert [apply(rule, target).uri.serialise() for rule in found] == [translated]


@pytest.mark.parametrize(
    ("fields", "called", "made"),
    [
        ({}, b"sip:1000@x", b"sip:1000@x"),
        ({"tran_strip": 2}, b"sip:00491@x", b"sip:491@x"),
        ({"tran_prefix": b"00"}, b"sip:49@x", b"sip:0049@x"),
        ({"tran_strip": 1, "tran_prefix": b"+"}, b"sip:049@x", b"sip:+49@x"),
        ({"tran_strip": 9, "tran_prefix": b"0"}, b"sip:49@x", b"sip:0@x"),
        ({"tran_user": b"bob", "tran_strip": 1, "tran_prefix": b"9"}, b"sip:1@x", b"sip:bob@x"),
        ({"tran_domain": b"y.example"}, b"sip:1@x:5070", b"sip:1@y.example:5070"),
        ({"tran_domain": b"[2001:db8::1]"}, b"sip:1@x", b"sip:1@[2001:db8::1]"),
        ({"tran_port": 5080}, b"sip:1@x", b"sip:1@x:5080"),
        ({"tran_port": 5080, "tran_strip_port": True}, b"sip:1@x:5060", b"sip:1@x:5080"),
        ({"tran_strip_port": True}, b"sip:1@x:5060", b"sip:1@x"),
        ({"tran_prefix": b"9"}, b"sip:1@x;transport=tcp", b"sip:91@x;transport=tcp"),
        ({"tran_domain": b"y.example"}, b"sip:1@x;maddr=192.0.2.1", b"sip:1@y.example"),
        ({"tran_strip": 1}, b"sip:1:secret@x", None),
        ({"tran_strip": 1}, b"sip:%C3%A4bc@x", b"sip:bc@x"),
        ({"tran_strip": 0}, b"sip:a%20b@x", b"sip:a%20b@x"),
        ({"tran_strip": 4}, b"sip:1000@x", None),
        ({"tran_user": rb"\1", "match_regex": "^9(.*)$"}, b"sip:94930@x", b"sip:4930@x"),
        ({"tran_user": rb"\2-\1", "match_regex": "^(.)(.)$"}, b"sip:ab@x", b"sip:b-a@x"),
        ({"tran_user": rb"+\0", "match_regex": "^49"}, b"sip:4930@x", b"sip:+49@x"),
        ({"tran_user": rb"a\1", "match_regex": "^1(2)?"}, b"sip:1@x", b"sip:a@x"),
        ({"tran_user": rb"\2", "match_regex": "^(.)"}, b"sip:1@x", None),
        ({"tran_user": rb"\x", "match_regex": "^(.)"}, b"sip:1@x", None),
        ({"tran_user": rb"\1", "match_regex": "("}, b"sip:1@x", None),
        ({"tran_domain": b"no host"}, b"sip:1@x", None),
    ],
)
def test_each_field(fields: dict[str, object], called: bytes, made: bytes | None) -> None:
    rule = replace(PLAIN, **fields)
    if made is None:
        with pytest.raises(TranslationError, match="rule 9"):
            apply(rule, uri(called))
    else:
        assert apply(rule, uri(called)).uri.serialise() == made


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (b"", ()),
        (b"X-Account: 42", ((b"x-account", b"42"),)),
        (b"X-Account:a: b\tc ", ((b"x-account", b"a: b\tc"),)),
        (b"X-A: 1\nX-B: 2", ((b"x-a", b"1"), (b"x-b", b"2"))),
    ],
)
def test_headers_are_added(line: bytes, header: tuple[tuple[bytes, bytes], ...]) -> None:
    assert apply(replace(PLAIN, tran_add_header=line), uri(b"sip:1@x")).added == header


def test_headers_are_removed() -> None:
    rule = replace(PLAIN, tran_remove_header=b"X-A, Call-Info")
    assert apply(rule, uri(b"sip:1@x")).removed == (b"x-a", b"call-info")
    with pytest.raises(TranslationError, match="it may not remove via"):
        apply(replace(PLAIN, tran_remove_header=b"X-A, Via"), uri(b"sip:1@x"))


# 2026-11-23, a Monday, 08:00 in Berlin
_MONDAY = 1795417200.0


@pytest.mark.parametrize(
    ("fields", "at", "reason"),
    [
        ({"valid_from": 100.0}, 99.9, "the rule is not valid yet"),
        ({"valid_from": 100.0}, 100.0, None),
        ({"valid_until": 100.0}, 100.0, "the rule is valid no more"),
        ({"valid_until": 100.0}, 99.9, None),
        ({"hours": "Mon 08:00-09:00"}, _MONDAY, None),
        (
            {"hours": "Mon 08:00-09:00"},
            _MONDAY - 1,
            "it is not within Mon 08:00-09:00 (Europe/Berlin)",
        ),
        ({"hours": "rubbish"}, 0.0, "it is not within rubbish (Europe/Berlin)"),
    ],
)
def test_when_a_rule_holds(fields: dict[str, object], at: float, reason: str | None) -> None:
    facts = Facts(b"alice", b"", b"1000", b"x", at=at, time_zone="Europe/Berlin")
    assert mismatch(replace(PLAIN, **fields), facts) == reason


@pytest.mark.parametrize(
    "line",
    [b"X-Account", b": 42", b"X Account: 42", b"X: 4\r\nVia: 2", b"X: \0", b"Via: x", b"to: y"],
)
def test_a_header_that_cannot_be(line: bytes) -> None:
    with pytest.raises(TranslationError):
        apply(replace(PLAIN, tran_add_header=line), uri(b"sip:1@x"))


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({"from_username": b"alice"}, True),
        ({"from_username": b"Alice"}, True),
        ({"from_username": b"bob"}, False),
        ({"match_user_agent": b"Sn"}, True),
        ({"match_user_agent": b"Snom/8"}, False),
        ({"match_user_agent": b"nom"}, False),
        ({"request_domain": b"x.example"}, True),
        ({"request_domain": b"y.example"}, False),
    ],
)
def test_what_a_rule_looks_at(fields: dict[str, bytes], matches: bool) -> None:
    rule = replace(PLAIN, **fields)
    assert (mismatch(rule, facts()) is None) is matches
    assert (Rules([rule]).candidates(facts(), never) == [rule]) is matches


def test_explain() -> None:
    rules = [
        replace(PLAIN, translation_id=1, priority=50),
        replace(ERIC, translation_id=2, priority=10, weight=1),
        replace(PLAIN, translation_id=3, priority=10, weight=3, tran_strip=9),
        replace(PLAIN, translation_id=4, priority=1, enabled=False),
        replace(PLAIN, translation_id=5, priority=1, match_regex="^2"),
        replace(PLAIN, translation_id=6, priority=1, match_regex="("),
        replace(PLAIN, translation_id=7, priority=1, from_username=b"bob"),
    ]
    verdicts = explain(rules, facts(), uri(b"sip:1000@x"))
    made = [verdict.result and verdict.result.uri.serialise() for verdict in verdicts]
    assert [
        (verdict.rule.translation_id, verdict.reason, verdict.share) for verdict in verdicts
    ] == [
        (4, "the rule is switched off", 0.0),
        (5, "^2 is not found in the called user", 0.0),
        (6, "the expression does not work: missing ): (", 0.0),
        (7, "the caller is not bob", 0.0),
        (2, None, 0.25),
        (3, None, 0.75),
        (1, None, 0.0),
    ]
    assert made == [None] * 4 + [b"sip:eric@workshop.uphreak.com", None, b"sip:1000@x"]
    problems = [verdict.problem for verdict in verdicts[5:]]
    assert problems == ["rule 3: no user is left to call", None]


def test_explain_nothing() -> None:
    assert explain([], facts(), uri(b"sip:1000@x")) == []
    none = replace(PLAIN, match_regex="^2")
    assert [verdict.share for verdict in explain([none], facts(), uri(b"sip:1@x"))] == [0.0]


texts = st.text(max_size=12).map(str.encode)
rules = st.builds(
    Translation,
    translation_id=st.just(1),
    domain_id=st.just(1),
    from_domain=st.just(HOME),
    match_regex=st.sampled_from(["", "^(.*)$", "(.)(.)", "1"]),
    tran_user=st.sampled_from([b"", rb"\1", rb"x\0", rb"\9"]) | texts,
    tran_strip=st.integers(0, 5),
    tran_prefix=texts,
    tran_domain=st.sampled_from([b"", b"y.example", b"[::1]", b"bad host"]) | texts,
    tran_port=st.none() | st.integers(0, 70_000),
    tran_strip_port=st.booleans(),
    tran_add_header=st.sampled_from([b"", b"X: y"]) | texts,
)


@given(rules, st.text(min_size=1, max_size=20).map(lambda text: text.encode()))
def test_what_is_made_is_always_a_uri(rule: Translation, user: bytes) -> None:
    called = SipUri(b"sip", b"".join(b"%%%02x" % byte for byte in user), b"x", 5060)
    try:
        made = apply(rule, called).uri
    except TranslationError:
        return
    assert parse_uri(made.serialise()) == made
    assert made.user
