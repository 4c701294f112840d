"""`received` and `rport` on the top Via, and where responses go by it."""

from __future__ import annotations

import pytest

from proxy.sip.codec import parse
from proxy.sip.errors import ParseError
from proxy.sip.fields import parse_via
from proxy.sip.message import Request
from proxy.transport.flow import Flow
from proxy.transport.via_source import reply_address, stamp_source

UDP = Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 40000))
UDP6 = Flow("udp", ("2001:db8::1", 5060), ("2001:db8::7", 40000))
TCP = Flow("tcp", ("192.0.2.1", 5060), ("198.51.100.7", 40000), 1)
WSS = Flow("wss", ("192.0.2.1", 443), ("198.51.100.7", 40000), 2)


def stamped(via: str, flow: Flow) -> str:
    message = parse(
        f"OPTIONS sip:a@b SIP/2.0\r\nVia: {via}\r\nVia: SIP/2.0/UDP below;branch=2\r\n\r\n".encode()
    )
    assert isinstance(message, Request)
    stamp_source(message, flow)
    top, below = message.headers.values(b"via")
    assert below == b"SIP/2.0/UDP below;branch=2"
    return top.decode()


@pytest.mark.parametrize(
    ("via", "flow", "expected"),
    [
        # the sender is where it says
        ("SIP/2.0/UDP 198.51.100.7;branch=1", UDP, ""),
        ("SIP/2.0/UDP 198.51.100.7:40000;branch=1", UDP, ""),
        ("SIP/2.0/UDP [2001:db8::7]:40000;branch=1", UDP6, ""),
        ("SIP/2.0/UDP [2001:DB8:0::7]:40000;branch=1", UDP6, ""),
        ("SIP/2.0/TCP 198.51.100.7;branch=1", TCP, ""),
        # RFC 3581
        ("SIP/2.0/UDP 198.51.100.7;branch=1;rport", UDP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP 10.0.0.1;rport;branch=1", UDP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/TCP 10.0.0.1;branch=1;rport", TCP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP [2001:db8::8];branch=1;rport", UDP6, ";rport=40000;received=2001:db8::7"),
        ("SIP/2.0/UDP 198.51.100.7;RPORT;branch=1", UDP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP 198.51.100.7;branch=1; rport", UDP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP 198.51.100.7;x=\";rport;\";branch=1", UDP, ""),
        ("SIP/2.0/UDP 198.51.100.7;rport=;branch=1", UDP, ";rport=40000;received=198.51.100.7"),
        ("SIP/2.0/UDP 198.51.100.7;xrport;branch=1", UDP, ""),
        # elsewhere than it says
        ("SIP/2.0/UDP 10.0.0.1;branch=1", UDP, ";received=198.51.100.7;rport=40000"),
        ("SIP/2.0/UDP phone.example;branch=1", UDP, ";received=198.51.100.7;rport=40000"),
        ("SIP/2.0/TCP 10.0.0.1;branch=1", TCP, ";received=198.51.100.7"),
        ("SIP/2.0/WSS 5s9k2.invalid;branch=1", WSS, ";received=198.51.100.7"),
        # what a sender claims about its own source is overwritten
        ("SIP/2.0/UDP 198.51.100.7;branch=1;received=203.0.113.9", UDP, ";received=198.51.100.7"),
        ("SIP/2.0/UDP 10.0.0.1;branch=1;received=203.0.113.9;rport=9", UDP,
         ";received=198.51.100.7;rport=40000"),
        ("SIP/2.0/UDP 198.51.100.7;Received=203.0.113.9;branch=1;rport", UDP,
         ";rport=40000;received=198.51.100.7"),
    ],
)  # fmt: skip
def test_stamp(via: str, flow: Flow, expected: str) -> None:
    found = parse_via(stamped(via, flow).encode())
    assert found.branch == b"1"
    if not expected:
        assert stamped(via, flow) == via
        return
    wanted = dict(part.split("=") for part in expected.split(";")[1:])
    assert {
        name.decode(): (value or b"").decode()
        for name, value in found.params
        if name in (b"received", b"rport")
    } == wanted


@pytest.mark.parametrize(
    ("via", "flow", "expected"),
    [
        ("SIP/2.0/UDP 10.0.0.1;received=198.51.100.7;rport=4000", UDP, ("198.51.100.7", 4000)),
        ("SIP/2.0/UDP 198.51.100.7", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7:5070", UDP, ("198.51.100.7", 5070)),
        ("SIP/2.0/UDP 198.51.100.7:5070;rport=40000", UDP, ("198.51.100.7", 40000)),
        ("SIP/2.0/UDP [2001:db8::7]:5070", UDP6, ("2001:db8::7", 5070)),
        # the connection is gone: a new one to sent-by's port
        ("SIP/2.0/TCP 10.0.0.1:5070;received=198.51.100.7", TCP, ("198.51.100.7", 5070)),
        ("SIP/2.0/TCP 10.0.0.1;received=198.51.100.7", TCP, ("198.51.100.7", 5060)),
        ("SIP/2.0/TCP 10.0.0.1;received=198.51.100.7;rport=40000", TCP, ("198.51.100.7", 5060)),
        ("SIP/2.0/WSS x.invalid;received=198.51.100.7", WSS, ("198.51.100.7", 443)),
        # multicast as in s18.2.2; nobody else can be named
        ("SIP/2.0/UDP 198.51.100.7;maddr=224.0.1.75", UDP, ("224.0.1.75", 5060)),
        ("SIP/2.0/UDP 198.51.100.7:5070;maddr=224.0.1.75", UDP, ("224.0.1.75", 5070)),
        ("SIP/2.0/UDP 198.51.100.7:5353;maddr=224.0.0.251", UDP, ("198.51.100.7", 5353)),
        ("SIP/2.0/UDP 198.51.100.7;maddr=239.1.1.1", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7;maddr=203.0.113.9", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7;maddr=victim.example", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP victim.example;received=203.0.113.9", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7;rport=99999", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7;rport=0", UDP, ("198.51.100.7", 5060)),
        ("SIP/2.0/UDP 198.51.100.7;rport=x", UDP, ("198.51.100.7", 5060)),
    ],
)  # fmt: skip
def test_reply_address(via: str, flow: Flow, expected: tuple[str, int]) -> None:
    assert reply_address(parse_via(via.encode()), flow) == expected


def test_several_vias_in_one_line() -> None:
    message = parse(
        b"OPTIONS sip:a@b SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 10.0.0.1;branch=1;rport, SIP/2.0/UDP below;branch=2;rport\r\n\r\n"
    )
    assert isinstance(message, Request)
    stamp_source(message, UDP)
    top, below = message.headers.values(b"via")
    assert parse_via(top).param(b"rport") == b"40000"
    assert below == b"SIP/2.0/UDP below;branch=2;rport"


@pytest.mark.parametrize("via", ["rubbish", "SIP/2.0/UDP", ""])
def test_via_that_is_none(via: str) -> None:
    with pytest.raises(ParseError):
        stamped(via, UDP)
