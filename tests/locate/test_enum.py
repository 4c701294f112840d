"""ENUM without any DNS: which records count, and what their expressions make of the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.locate.enum import look_up
from proxy.locate.rfc3263 import LocateError, Naptr, Question

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


@pytest.mark.parametrize(("flags", "counts"), [("u", True), ("U", True), ("", False), ("s", False)])
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


@given(st.text(max_size=60))
def test_any_expression_gives_a_sip_uri_or_nothing(regexp: str) -> None:
    for uri in found([record(regexp)]):
        assert uri.startswith((b"sip:", b"sips:"))
        assert not set(uri) & set(b"\r\n ")
