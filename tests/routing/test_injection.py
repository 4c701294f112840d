"""Whatever tenants write into rules and callers into names, nobody writes a header of his own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from proxy.directory.model import Translation
from proxy.directory.translate import escaped_user
from proxy.sip.codec import parse
from tests.routing.world import EXAMPLE, World

FAR = b"far.example"
RULE = Translation(5, 1, b"example.com", match_regex="^(.)(.*)$", tran_domain=FAR)
END = b"\r\n"


def sent_for(rule: Translation, dialled: bytes, display: bytes = b"") -> list[bytes]:
    """All that the proxy sends when alice calls: the bytes."""
    world = World()
    world.add_rules(EXAMPLE, rule)
    world.far(FAR, "192.0.2.99")
    alice = world.phone(b"alice@example.com", "192.0.2.10")
    request = alice.asks(b"INVITE", b"sip:" + escaped_user(dialled) + b"@example.com")
    if display:
        request.headers.set(b"from", display + b" <sip:alice@example.com>;tag=1")
    alice.authenticates(request)
    return [data for data, _ in world.air.sent]


def names_of(message: bytes) -> Counter[bytes]:
    """Its header names as any receiver would see them, line by line."""
    head, separator, _ = message.partition(END + END)
    assert separator
    lines = head.split(END)[1:]
    assert not any(byte in head.replace(END, b"") for byte in (b"\r", b"\n", b"\0"))
    names = Counter(line.partition(b":")[0].strip().lower() for line in lines)
    parsed = parse(message)
    assert Counter(name for name, _ in parsed.headers.lines) == names
    return names


def invites_in(messages: list[bytes]) -> list[bytes]:
    return [data for data in messages if data.startswith(b"INVITE ")]


(PLAIN,) = map(names_of, invites_in(sent_for(RULE, b"1000")))

hostile = st.text(
    st.sampled_from(list('aA1:;,<>"\\%@ \r\n\t\0ä')) | st.characters(exclude_categories=["Cs"]),
    max_size=16,
) | st.sampled_from(
    [
        *("\r\nVia: SIP/2.0/UDP 6.6.6.6", "a\nContact: <sip:x@y>", "\r\n\r\nbody", "a\rb", "\0"),
        *(r"\1", r"\2\r\n", r"\0", "%0D%0AX: y", '"', '\\"', "a\u2028b", "a\x85b"),
    ]
)
headers = st.tuples(st.sampled_from(["X-A", "x-b", "Via", "X A", ""]), hostile).map(": ".join)
rules = st.builds(
    replace,
    st.just(RULE),
    match_regex=st.sampled_from(["", "^(.)(.*)$", "(?s)^(.)(.*)$"]),
    tran_user=hostile.map(str.encode),
    tran_strip=st.integers(0, 3),
    tran_prefix=st.just(b"") | hostile.map(str.encode),
    tran_domain=st.just(FAR) | st.sampled_from([b"far.example\r\nX: y", b"far.example;x\r\n"]),
    tran_add_header=st.lists(headers, max_size=3).map(lambda all_: "\n".join(all_).encode()),
    tran_remove_header=st.just(b"") | hostile.map(str.encode),
    tran_from_user=hostile.map(str.encode),
    tran_from_display=hostile,
    tran_trunk=st.just(b""),
)


@settings(max_examples=2 * settings().max_examples, suppress_health_check=[HealthCheck.too_slow])
@given(rules, hostile.filter(bool).map(str.encode))
@example(replace(RULE, tran_user=rb"\1\2"), b"1\r\nVia: x")
@example(replace(RULE, tran_from_display="a\r\nX: y"), b"1000")
@example(replace(RULE, tran_add_header=b"X-A: 1\r\nVia: y"), b"1000")
def test_no_rule_writes_a_header_that_it_was_not_given(rule: Translation, dialled: bytes) -> None:
    messages = sent_for(rule, dialled)
    for message in messages:
        names_of(message)
    for invite in invites_in(messages):
        added = Counter(
            line.partition(b":")[0].strip().lower()
            for line in rule.tran_add_header.split(b"\n")
            if rule.tran_add_header
        )
        removed = [name.strip().lower() for name in rule.tran_remove_header.split(b",")]
        kept = Counter({name: n for name, n in PLAIN.items() if name not in removed})
        assert names_of(invite) - kept - added == Counter()
        assert set(kept) <= set(names_of(invite))


@pytest.mark.parametrize(
    "display",
    [b'"a\\"b"', b'"a\\\\"', b'"%0d%0aX: y"', '"ä\u2028b"'.encode(), b'"a\tb"', b"a b c"],
)
def test_no_name_of_a_caller_does(display: bytes) -> None:
    rule: Any = replace(RULE, tran_from_user=b"+15550000000")
    for shown in (RULE, rule):
        (invite,) = invites_in(sent_for(shown, b"1000", display))
        assert names_of(invite) == PLAIN
