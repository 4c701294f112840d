"""The header section: raw lines, looked up by name, untouched lines byte-identical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import ParseError
from proxy.sip.headers import Headers, canonical_name, parse_lines, wire_name
from proxy.sip.lines import value_of

SECTION = (
    b"v: SIP/2.0/UDP a;branch=z9hG4bK1,\r\n\tSIP/2.0/UDP b\r\n"
    b"Via : SIP/2.0/UDP c\r\n"
    b"TO:<sip:a@b>\r\n"
    b"Subject:  two\r\n  lines \r\n"
    b"X-Odd_name!: \xc3\xa4\r\n"
    b"Empty:"
)


def headers() -> Headers:
    return Headers(parse_lines(SECTION, max_headers=10))


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        (b"Via", b"via"),
        (b"v", b"via"),
        (b"V", b"via"),
        (b"CALL-ID", b"call-id"),
        (b"i", b"call-id"),
        (b"x-MINE \t", b"x-mine"),
        (b"l", b"content-length"),
        (b"o", b"event"),
        (b"y", b"identity"),
    ],
)
def test_canonical(name: bytes, canonical: bytes) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize("name", [b"", b" ", b"a b", b"a@", b"\xc3\xa4"])
def test_no_name(name: bytes) -> None:
    with pytest.raises(ParseError):
        canonical_name(name)


@pytest.mark.parametrize(
    ("name", "written"),
    [(b"call-id", b"Call-ID"), (b"cseq", b"CSeq"), (b"x-my-own", b"X-My-Own")],
)
def test_wire_name(name: bytes, written: bytes) -> None:
    assert wire_name(name) == written


def test_lines_go_out_as_they_came() -> None:
    assert headers().serialise() == SECTION + b"\r\n"


def test_values() -> None:
    found = headers()
    assert len(found) == 6
    assert found.first(b"via") == b"SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b"
    assert found.all(b"via")[1] == b"SIP/2.0/UDP c"
    assert [value[-1:] for value in found.values(b"via")] == [b"1", b"b", b"c"]
    assert found.first(b"subject") == b"two lines"
    assert found.first(b"empty") == b""
    assert found.first(b"absent") is None
    assert found.values(b"absent") == []
    assert found.has(b"to")
    assert not found.has(b"from")
    assert found.count(b"via") == 2
    assert dict(found)[b"to"] == b"<sip:a@b>"


@pytest.mark.parametrize(
    ("section", "status"),
    [
        (b" leading: x", 400),
        (b"no colon", 400),
        (b"a b: x", 400),
        (b": x", 400),
        (b"A: x\nB: y", 400),
        (b"A: x\rB: y", 400),
        (b"A: x\r\n\r\nB: y", 400),
        (b"\r\n".join([b"A: x"] * 11), 513),
    ],
)
def test_refused(section: bytes, status: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse_lines(section, max_headers=10)
    assert caught.value.status_hint == status


def lines(text: Headers) -> list[bytes]:
    return [raw for _, raw in text.lines]


def test_set_replaces_all_lines_in_the_first_ones_place() -> None:
    changed = headers()
    changed.set(b"via", b"x")
    assert lines(changed)[0] == b"Via: x"
    assert changed.count(b"via") == 1
    changed.set(b"to", b"<sip:c@d>")
    changed.set(b"new", b"1")
    assert lines(changed)[1] == b"To: <sip:c@d>"
    assert lines(changed)[-1] == b"New: 1"


def test_append_prepend_remove() -> None:
    changed = headers()
    before = changed.version
    changed.append(b"route", b"<sip:r1>")
    changed.prepend(b"route", b"<sip:r0>")
    changed.prepend(b"record-route", b"<sip:us>")
    assert lines(changed)[0] == b"Record-Route: <sip:us>"
    assert changed.values(b"route") == [b"<sip:r0>", b"<sip:r1>"]
    assert changed.remove(b"route") == 2
    assert changed.remove(b"route") == 0
    assert changed.version > before
    changed.put_on_top([(b"via", b"Via: 1"), (b"via", b"Via: 2")])
    assert lines(changed)[:2] == [b"Via: 1", b"Via: 2"]
    changed.take_off_top(2)
    assert lines(changed)[0] == b"Record-Route: <sip:us>"


def test_first_value_of_a_list() -> None:
    changed = headers()
    changed.replace_first_value(b"via", b"X")
    assert lines(changed)[0] == b"Via: X, SIP/2.0/UDP b"
    changed.remove_first_value(b"via")
    changed.remove_first_value(b"via")
    assert changed.values(b"via") == [b"SIP/2.0/UDP c"]
    changed.remove_first_value(b"via")
    changed.remove_first_value(b"via")
    assert not changed.has(b"via")


def test_copies_are_apart() -> None:
    one = headers()
    other = one.copy()
    other.set(b"to", b"x")
    assert one.serialise() == SECTION + b"\r\n"


@pytest.mark.parametrize("value", [b"a\r\nX: y", b"a\nb", b"a\rb"])
@pytest.mark.parametrize("change", ["set", "append", "prepend", "replace_first_value"])
def test_no_line_end_is_ever_written(value: bytes, change: str) -> None:
    changed = headers()
    with pytest.raises(ParseError):
        getattr(changed, change)(b"via", value)


@given(st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    try:
        found = parse_lines(data, max_headers=20)
    except ParseError:
        return
    assert Headers(found).serialise() == data + b"\r\n"
    for _, raw in found:
        assert b"\n" not in value_of(raw)
