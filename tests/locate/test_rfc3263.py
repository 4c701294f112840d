"""The selection without any DNS: questions answered from the zones, and the weighted draw."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.locate.hop import Hop
from proxy.locate.records import Naptr, Srv
from proxy.locate.rfc3263 import (
    Answer,
    LocateError,
    Question,
    Speaks,
    locate,
    srv_order,
)
from proxy.sip.uri import SipUri, parse_uri
from tests.harness.dns_server import Zones

from .cases import CASES, FAILURES, ZONES, Case


def sip_uri(text: str) -> SipUri:
    uri = parse_uri(text.encode())
    assert isinstance(uri, SipUri)
    return uri


def said(hop: Hop) -> str:
    return " ".join(filter(None, (hop.transport, hop.address, str(hop.port), hop.tls_name)))


def drive(
    uri: str, speaks: Speaks, answer: Callable[[Question], Answer], draw: float = 0.5
) -> tuple[list[Hop], list[Question]]:
    """Run the generator; its hops and what it asked."""
    asked: list[Question] = []
    selection = locate(sip_uri(uri), speaks, lambda: draw)
    try:
        question = next(selection)
        while True:
            asked.append(question)
            try:
                given_answer = answer(question)
            except LocateError as error:
                question = selection.throw(error)
            else:
                question = selection.send(given_answer)
    except StopIteration as done:
        return done.value, asked


@pytest.fixture(scope="module")
def zones() -> Zones:
    zones = Zones(ZONES)
    zones.rcodes |= FAILURES
    return zones


def from_zones(zones: Zones, question: Question) -> Answer:
    if question.name.endswith("localhost"):
        return {"A": ["127.0.0.1"], "AAAA": ["::1"]}.get(question.kind, [])
    records = zones.look_up(question.name, question.kind)
    if records is None:
        raise LocateError(f"{question.kind} {question.name}: failed")
    match question.kind:
        case "NAPTR":
            return [_naptr(text) for text in records]
        case "SRV":
            parts = [text.split() for text in records]
            return [Srv(int(a), int(b), int(c), target) for a, b, c, target in parts]
        case _:
            return records


def _naptr(text: str) -> Naptr:
    order, preference, flags, service, regexp, replacement = text.split()
    strings = [part.strip('"') for part in (flags, service)]
    return Naptr(int(order), int(preference), *strings, replacement, regexp.strip('"'))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_hops(case: Case, zones: Zones) -> None:
    if case.hops[0].startswith("!"):
        with pytest.raises(LocateError) as caught:
            drive(case.uri, case.speaks, lambda question: from_zones(zones, question))
        assert str(caught.value).startswith(case.hops[0][1:])
        return
    hops, _ = drive(case.uri, case.speaks, lambda question: from_zones(zones, question))
    assert tuple(said(hop) for hop in hops) == case.hops


def test_there_are_enough_cases() -> None:
    assert len({str(case) for case in CASES}) == len(CASES) >= 60


@pytest.mark.parametrize(
    ("uri", "asked"),
    [
        ("sip:192.0.2.1", []),
        ("sip:[2001:db8::1]", []),
        ("sip:plain.test:5060", ["AAAA plain.test", "A plain.test"]),
        (
            "sip:plain.test;transport=tcp",
            ["SRV _sip._tcp.plain.test", "AAAA plain.test", "A plain.test"],
        ),
        (
            "sip:plain.test",
            [
                "NAPTR plain.test",
                "SRV _sip._udp.plain.test",
                "SRV _sip._tcp.plain.test",
                "SRV _sips._tcp.plain.test",
                "AAAA plain.test",
                "A plain.test",
            ],
        ),
        (
            "sips:plain.test",
            ["NAPTR plain.test", "SRV _sips._tcp.plain.test", "AAAA plain.test", "A plain.test"],
        ),
        (
            "sip:cased.test",
            ["NAPTR cased.test", "SRV _sip._udp.cased.test", "AAAA one.cased.test",
             "A one.cased.test"],
        ),
    ],
)  # fmt: skip
def test_nothing_else_is_asked(uri: str, asked: list[str], zones: Zones) -> None:
    _, questions = drive(uri, Speaks(), lambda question: from_zones(zones, question))
    assert [f"{question.kind} {question.name}" for question in questions] == asked


def test_hostile_zone_ends() -> None:
    """Each name leads to others, none to an address: the questions of one selection are few."""

    def answer(question: Question) -> Answer:
        if question.kind == "NAPTR":
            services = ("SIP+D2U", "SIP+D2T", "SIPS+D2T")
            return [Naptr(1, 1, "s", services[n % 3], f"n{n}.test.") for n in range(500)]
        if question.kind == "SRV":
            return [Srv(n, 1, 5060, f"{n}.{question.name}.") for n in range(500)]
        return []

    asked = 0

    def counting(question: Question) -> Answer:
        nonlocal asked
        asked += 1
        return answer(question)

    with pytest.raises(LocateError):
        drive("sip:hostile.test", Speaks(), counting)
    assert asked < 1000


def test_endless_addresses_are_cut() -> None:
    hops, _ = drive(
        "sip:wide.test:5060", Speaks(), lambda question: ["192.0.2.1", "192.0.2.2"] * 500
    )
    assert len(hops) <= 16


def test_answers_that_are_no_addresses_are_left_out() -> None:
    hops, _ = drive("sip:odd.test:5060", Speaks(), lambda question: ["nonsense", "192.0.2.1"])
    assert {hop.address for hop in hops} == {"192.0.2.1"}


# -- RFC 2782


def first_of(records: list[Srv], draw: Callable[[], float]) -> str:
    return srv_order(records, draw)[0].target


def test_draw_is_proportional_to_the_weight() -> None:
    records = [Srv(0, weight, 5060, str(weight)) for weight in (60, 30, 10)]
    draw = random.Random(3263).random
    firsts = Counter(first_of(records, draw) for _ in range(30_000))
    assert {name: round(times / 3_000) for name, times in firsts.items()} == {
        "60": 6,
        "30": 3,
        "10": 1,
    }


def test_second_draw_is_proportional_as_well() -> None:
    records = [Srv(0, weight, 5060, str(weight)) for weight in (60, 30, 10)]
    draw = random.Random(2782).random
    seconds = Counter(
        order[1].target
        for _ in range(30_000)
        if (order := srv_order(records, draw))[0].target == "60"
    )
    assert round(seconds["30"] / seconds["10"]) == 3


def test_weight_0_is_seldom_first() -> None:
    records = [Srv(0, 99, 5060, "heavy"), Srv(0, 0, 5060, "light")]
    draw = random.Random(1).random
    firsts = Counter(first_of(records, draw) for _ in range(20_000))
    assert 100 < firsts["light"] < 300  # one in a hundred


def test_equal_weights_0_share() -> None:
    records = [Srv(0, 0, 5060, name) for name in "abcd"]
    draw = random.Random(2).random
    firsts = Counter(first_of(records, draw) for _ in range(20_000))
    assert all(4_500 < firsts[name] < 5_500 for name in "abcd")


@given(
    st.lists(
        st.builds(
            Srv,
            st.integers(0, 3),
            st.integers(0, 65535),
            st.integers(0, 65535),
            st.text("abc", max_size=2),
        )
    ),
    st.randoms(use_true_random=False),
)
def test_order_keeps_every_record_and_the_priorities(
    records: list[Srv], source: random.Random
) -> None:
    ordered = srv_order(records, source.random)
    assert sorted(map(repr, ordered)) == sorted(map(repr, records))
    assert [one.priority for one in ordered] == sorted(one.priority for one in records)


@given(st.binary(max_size=40), st.booleans())
def test_any_host_gives_hops_or_a_locate_error(host: bytes, is_sips: bool) -> None:
    selection = locate(SipUri(b"sips" if is_sips else b"sip", b"x", host), Speaks(), lambda: 0.5)

    def ask_until_it_ends() -> None:
        next(selection)
        while True:
            selection.send([])

    with pytest.raises((StopIteration, LocateError)):
        ask_until_it_ends()
