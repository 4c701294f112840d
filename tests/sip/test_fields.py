"""Via, addresses, CSeq and credentials: parsed, written, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.errors import DigestError, ParseError
from proxy.sip.fields import (
    CSeq,
    NameAddr,
    Via,
    find_comma,
    parse_credentials,
    parse_cseq,
    parse_name_addr,
    parse_via,
)
from proxy.sip.uri import SipUri, parse_uri


@pytest.mark.parametrize(
    ("data", "protocol", "transport", "host", "port", "params"),
    [
        (
            b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
            b"SIP/2.0",
            b"UDP",
            b"192.0.2.1",
            None,
            ((b"branch", b"z9hG4bK1"),),
        ),
        (b"SIP/2.0/tcp a.example:5061", b"SIP/2.0", b"TCP", b"a.example", 5061, ()),
        (b"SIP/2.0/TLS [2001:db8::1]:5061", b"SIP/2.0", b"TLS", b"[2001:db8::1]", 5061, ()),
        (
            b"SIP / 2.0 / WSS  x.invalid : 80 ; rport ; a=b",
            b"SIP/2.0",
            b"WSS",
            b"x.invalid",
            80,
            ((b"rport", b""), (b"a", b"b")),
        ),
        (b"SIP/7.0/UDP x", b"SIP/7.0", b"UDP", b"x", None, ()),
    ],
)
def test_via(
    data: bytes,
    protocol: bytes,
    transport: bytes,
    host: bytes,
    port: int | None,
    params: tuple[tuple[bytes, bytes], ...],
) -> None:
    via = parse_via(data)
    assert (via.protocol, via.transport, via.host, via.port) == (protocol, transport, host, port)
    assert via.params == params
    again = parse_via(via.serialise())
    assert (again.serialise(), again.params) == (via.serialise(), params)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SIP/2.0/UDP",
        b"UDP 192.0.2.1",
        b"SIP/2.0/UDP a b",
        b"SIP/2.0/U@P a",
        b"S(P/2.0/UDP a",
        b"SIP/2.0/UDP a:x",
        b"SIP/2.0/UDP a:99999",
        b"SIP/2.0/UDP 2001:db8::1",
        b"SIP/2.0/UDP " + b"a" * 100 + b"@",
    ],
)
def test_via_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_via(data)


@pytest.mark.parametrize("data", [b"SIP/2.0/UDP a;;b", b"SIP/2.0/UDP a;;", b"SIP/2.0/UDP a;=b"])
def test_parameters_of_a_via_are_read_late(data: bytes) -> None:
    via = parse_via(data)
    with pytest.raises(ParseError):
        _ = via.params


def test_via_parameters_are_set_in_their_place() -> None:
    via = parse_via(b"SIP/2.0/UDP a;rport;branch=z9hG4bK1")
    assert via.branch == b"z9hG4bK1"
    assert via.param(b"rport") == b""
    assert via.param(b"received") is None
    changed = via.with_param(b"rport", b"5060").with_param(b"received", b"192.0.2.1")
    assert changed.serialise() == b"SIP/2.0/UDP a;rport=5060;branch=z9hG4bK1;received=192.0.2.1"
    assert via.serialise() == b"SIP/2.0/UDP a;rport;branch=z9hG4bK1"
    assert Via(b"TCP", b"b", 5070).serialise() == b"SIP/2.0/TCP b:5070"


@pytest.mark.parametrize(
    ("data", "display", "uri", "params"),
    [
        (b"<sip:a@b>", b"", b"sip:a@b", ()),
        (b"<sip:a@b;lr>;lr", b"", b"sip:a@b;lr", ((b"lr", b""),)),
        (b"sip:a@b;tag=1", b"", b"sip:a@b", ((b"tag", b"1"),)),
        (b"sip:a@b", b"", b"sip:a@b", ()),
        (b'"A, B" <sip:a@b> ; tag=1', b'"A, B"', b"sip:a@b", ((b"tag", b"1"),)),
        (b"Alice Liddell <sip:a@b>", b"Alice Liddell", b"sip:a@b", ()),
        (b"caller<sip:a@b>", b"caller", b"sip:a@b", ()),
        (b'"x"<tel:+1>', b'"x"', b"tel:+1", ()),
        (b"<http://example.com/?a,b>", b"", b"http://example.com/?a,b", ()),
    ],
)
def test_address(
    data: bytes, display: bytes, uri: bytes, params: tuple[tuple[bytes, bytes], ...]
) -> None:
    address = parse_name_addr(data)
    assert (address.display, address.uri, address.params) == (display, parse_uri(uri), params)
    assert parse_name_addr(address.serialise()) == address
    assert len({address, parse_name_addr(address.serialise())}) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<sip:a@b",
        b"sip:a@b>",
        b'"Alice" sip:a@b',
        b'"Alice <sip:a@b>',
        b"Bell, Alexander <sip:a@b>",
        b"<sip:a@b> x",
        b"< sip:a@b>",
        b"<>",
        b"sip:a@b?h=v",
        b"a@b",
        b"<sip:" + b"a" * 300,
    ],
)
def test_address_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_name_addr(data)


def test_address_parts() -> None:
    address = parse_name_addr(rb'"Al \"x\"" <sip:a@b>;tag=1;q=0.5')
    assert address.tag == b"1"
    assert address.display_text == b'Al "x"'
    assert address.has_param(b"q")
    assert not address.has_param(b"expires")
    changed = address.with_param(b"q", b"1").with_param(b"expires", b"60")
    assert changed.serialise() == rb'"Al \"x\"" <sip:a@b>;tag=1;q=1;expires=60'
    assert address != changed
    assert NameAddr(SipUri(b"sip", None, b"x")).serialise() == b"<sip:x>"


def test_bad_parameters_of_an_address_are_found_when_they_are_asked_for() -> None:
    address = parse_name_addr(b"<sip:a@b>;=x")
    with pytest.raises(ParseError):
        _ = address.tag


@pytest.mark.parametrize(
    ("data", "number", "method"),
    [(b"1 INVITE", 1, b"INVITE"), (b"0009 ACK", 9, b"ACK"), (b"4294967295\t X", 2**32 - 1, b"X")],
)
def test_cseq(data: bytes, number: int, method: bytes) -> None:
    cseq = parse_cseq(data)
    assert (cseq.number, cseq.method) == (number, method)
    assert CSeq(number, method).serialise() == b"%d %b" % (number, method)


@pytest.mark.parametrize(
    "data",
    [b"", b"1", b"INVITE", b"x INVITE", b"1 a b", b"-1 A", b"4294967296 A", b"1 a@", b"1" * 99],
)
def test_cseq_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_cseq(data)


@pytest.mark.parametrize(
    ("data", "params"),
    [
        (b'Digest username="a",realm="b"', {b"username": b"a", b"realm": b"b"}),
        (b'Digest  Username = "a" , nc=00000001', {b"username": b"a", b"nc": b"00000001"}),
        (rb'Digest username="a\"b,c"', {b"username": b'a"b,c'}),
        (b'Digest uri="sip:a,b@c", qop=auth', {b"uri": b"sip:a,b@c", b"qop": b"auth"}),
        (b'Digest username=""', {b"username": b""}),
        (b"NoOneKnows opaque-data=here", {b"opaque-data": b"here"}),
    ],
)
def test_credentials(data: bytes, params: dict[bytes, bytes]) -> None:
    credentials = parse_credentials(data)
    assert credentials.params == params
    assert credentials.scheme == data.partition(b" ")[0]
    assert credentials.param(b"absent") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Digest",
        b"Digest ",
        b"Dig@st a=b",
        b"Digest a",
        b'Digest a="b',
        b"Digest a=1,a=2",
        b'Digest username="a",',
        b"Digest @=1",
    ],
)
def test_credentials_refused(data: bytes) -> None:
    with pytest.raises(DigestError):
        parse_credentials(data)


@given(st.text(alphabet='ab=,"\\ ;<>@', max_size=40).map(str.encode))
def test_plain_and_unusual_credentials_agree(data: bytes) -> None:
    """The quick way reads nothing that the careful one reads otherwise."""
    from proxy.sip.fields import _parse_any_credentials, _parse_plain_credentials

    plain = _parse_plain_credentials(data)
    if plain:
        assert plain == _parse_any_credentials(data)


@pytest.mark.parametrize(
    ("data", "at"), [(b"<sip:a,b@c>, <sip:d@e>", 11), (b"<sip:a,b@c>", -1), (b"a", -1)]
)
def test_find_comma(data: bytes, at: int) -> None:
    assert find_comma(data) == at


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    for parse in (parse_via, parse_name_addr, parse_cseq):
        for text in (data, b"SIP/2.0/UDP " + data, b"<sip:" + data, b'"' + data, b"1 " + data):
            try:
                field = parse(text)
                params = getattr(field, "params", ())
            except ParseError:
                continue
            assert params == getattr(field, "params", ())
    try:
        parse_credentials(b"Digest " + data)
    except DigestError:
        return
