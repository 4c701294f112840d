"""ENUM without any DNS: which records count, and what their expressions make of the number."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.locate.enum import look_up
from proxy.locate.records import Naptr
from proxy.locate.rfc3263 import LocateError, Question

NUMBER = "+441632960083"
NAME = "3.8.0.0.6.9.2.3.6.1.4.4.e164.arpa"


def found(
    records: list[Naptr], number: str = NUMBER, roots: tuple[str, ...] = ("e164.arpa.",)
) -> list[bytes]:
    lookup = look_up(number, roots)
    try:
        next(lookup)
        while True:
            lookup.send(records)
    except StopIteration as done:
        return [uri.serialise() for uri in done.value]


def record(
    regexp: str,
    *,
    order: int = 10,
    preference: int = 10,
    service: str = "E2U+sip",
    flags: str = "u",
) -> Naptr:
    return Naptr(order, preference, flags, service, ".", regexp)


def test_question() -> None:
    assert next(look_up(NUMBER, ("e164.arpa.",))) == Question("NAPTR", NAME)


@pytest.mark.parametrize("number", ["", "+", "441632960083", "+44x", "+" + "1" * 16, "+٤٤", "++44"])
def test_what_is_no_number_is_not_asked_for(number: str) -> None:
    with pytest.raises(StopIteration) as done:
        next(look_up(number, ("e164.arpa",)))
    assert done.value.value == []


@pytest.mark.parametrize(
    ("regexp", "uri"),
    [
        ("!^.*$!sip:info@example.com!", b"sip:info@example.com"),
        (r"!^\+44(.*)$!sip:\1@uk.example!", b"sip:1632960083@uk.example"),
        (r"!^(\+44)1632(.*)$!sip:\1-\2@uk.example!", b"sip:+44-960083@uk.example"),
        (r"/^.*$/sip:a\/b@example.com/", b"sip:a/b@example.com"),
        (r"!^.*$!sip:\0@example.com!", b"sip:+441632960083@example.com"),
        (r"!^.*$!sips:x@example.com!i", b"sips:x@example.com"),
        (r"!^\+44$!sip:x@example.com!", None),
        (r"!^.*$!mailto:x@example.com!", None),
        (r"!^.*$!tel:+1234!", None),
        (r"!^.*$!sip:\9@!", None),
        (r"!^.*$!sip:x y@example.com!", None),
        ("!^.*$!sip:x@example.com\r\nEvil: 1!", None),
        ("!^(.*$!sip:x@example.com!", None),
        ("!^.*$!sip:x@example.com", None),
        ("!!sip:x@example.com!", None),
        ("!^.*$!sip:x@example.com!g", None),
        ("!^.*$!sip:x@exämple.com!", None),
        (r"!^.*$!sip:x@example.com\!", None),
        ("", None),
        (r"\^.*$\sip:x@example.com\ ".strip(), None),
        ("!(a{1000}){1000}!sip:x@example.com!", None),
    ],
)
def test_expression(regexp: str, uri: bytes | None) -> None:
    assert found([record(regexp)]) == ([] if uri is None else [uri])


@pytest.mark.parametrize(
    ("service", "counts"),
    [
        ("E2U+sip", True),
        ("e2u+SIP", True),
        ("E2U+voice:tel+sip:secure", True),
        ("sip+E2U", True),
        ("E2U+tel", False),
        ("E2U+email:mailto", False),
        ("E2U", False),
        ("SIP+D2U", False),
    ],
)
def test_service(service: str, counts: bool) -> None:
    records = [record("!^.*$!sip:x@example.com!", service=service)]
    assert bool(found(records)) is counts


@pytest.mark.parametrize(
    ("flags", "counts"), [("u", True), ("U", True), ("s", False), ("p", False)]
)
def test_flags(flags: str, counts: bool) -> None:
    assert bool(found([record("!^.*$!sip:x@example.com!", flags=flags)])) is counts


def test_order() -> None:
    records = [
        record("!^.*$!sip:c@example.com!", order=20, preference=1),
        record("!^.*$!sip:b@example.com!", preference=20),
        record("!^.*$!sip:a@example.com!", preference=10),
    ]
    assert found(records) == [
        b"sip:a@example.com",
        b"sip:b@example.com",
        b"sip:c@example.com",
    ]


def test_next_root_is_asked_when_one_has_nothing_or_fails() -> None:
    lookup = look_up("+12", ("one.test", "two.test", "three.test"))
    assert next(lookup).name == "2.1.one.test"
    assert lookup.send([]).name == "2.1.two.test"
    assert lookup.throw(LocateError("SERVFAIL")).name == "2.1.three.test"
    with pytest.raises(StopIteration) as done:
        lookup.send([record("!^.*$!sip:x@example.com!")])
    assert [uri.serialise() for uri in done.value.value] == [b"sip:x@example.com"]


def follow(records: dict[str, list[Naptr]]) -> tuple[list[bytes], list[str]]:
    """The addresses when each name has these records, and the names that were asked for."""
    lookup, asked = look_up(NUMBER, ("e164.arpa",)), []
    try:
        question = next(lookup)
        while True:
            asked.append(question.name)
            question = lookup.send(records.get(question.name, []))
    except StopIteration as done:
        return [uri.serialise() for uri in done.value], asked


def onward(replacement: str, regexp: str = "", **how: Any) -> Naptr:
    """A record that is not terminal."""
    return Naptr(
        how.get("order", 10), how.get("preference", 10), "", how.get("service", ""), replacement,
        regexp,
    )  # fmt: skip


def terminal(name: str, **how: Any) -> Naptr:
    return record(f"!^.*$!sip:{name}@example.com!", **how)


A, B = b"sip:a@example.com", b"sip:b@example.com"


@pytest.mark.parametrize(
    ("records", "uris", "names"),
    [
        ({NAME: [onward("x.test.")], "x.test": [terminal("a")]}, [A], ["x.test"]),
        ({NAME: [onward("X.Test")], "x.test": [terminal("a")]}, [A], ["x.test"]),
        ({NAME: [onward("x.test", service="E2U+sip")], "x.test": [terminal("a")]}, [A], ["x.test"]),
        ({NAME: [onward(".", "!^.*(83)$!n\\1.x.test!")], "n83.x.test": [terminal("a")]}, [A],
         ["n83.x.test"]),
        ({NAME: [onward(".", "!^.*$!sip:a@x.test!")]}, [], ["sip:a@x.test"]),
        ({NAME: [onward(".")]}, [], []),
        ({NAME: [onward("x.test")]}, [], ["x.test"]),
        # in its place among the others
        ({NAME: [onward("x.test", order=5), terminal("b")], "x.test": [terminal("a")]}, [A, B],
         ["x.test"]),
        ({NAME: [onward("x.test", order=15), terminal("b")], "x.test": [terminal("a")]}, [B, A],
         ["x.test"]),
        # the number stays what it is, also for the records of the other name
        ({NAME: [onward("x.test")], "x.test": [record(r"!^\+44(.*)$!sip:\1@example.com!")]},
         [b"sip:1632960083@example.com"], ["x.test"]),
        # round in a circle, and on and on
        ({NAME: [onward(NAME), terminal("a")]}, [A], []),
        ({NAME: [onward("x.test")], "x.test": [onward(NAME), terminal("a")]}, [A], ["x.test"]),
        ({NAME: [onward("1.test")]} | {f"{n}.test": [onward(f"{n + 1}.test")] for n in range(9)},
         [], ["1.test", "2.test", "3.test", "4.test"]),
        ({NAME: [onward(f"{n}.test") for n in range(16)]}, [], [f"{n}.test" for n in range(4)]),
    ],
)  # fmt: skip
def test_records_that_lead_on(
    records: dict[str, list[Naptr]], uris: list[bytes], names: list[str]
) -> None:
    assert follow(records) == (uris, [NAME, *names])


def test_where_a_record_leads_on_to_nothing_the_next_root_is_asked() -> None:
    lookup = look_up("+12", ("one.test", "two.test"))
    next(lookup)
    assert lookup.send([onward("x.test")]).name == "x.test"
    assert lookup.throw(LocateError("SERVFAIL")).name == "2.1.two.test"


@given(st.text(max_size=60))
def test_any_expression_gives_a_sip_uri_or_nothing(regexp: str) -> None:
    for uri in found([record(regexp)]):
        assert uri.startswith((b"sip:", b"sips:"))
        assert not set(uri) & set(b"\r\n ")
