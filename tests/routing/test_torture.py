"""RFC 4475 and RFC 5118 through a whole node: each message is answered, forwarded or dropped as
the table of verdicts says, and never breaks anything.

The host in the Request-URI is a domain of ours and open, and its user has a phone, so that what
becomes of a message is said by the message alone.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from proxy.directory.model import Domain
from proxy.sip.codec import check, parse, serialise
from proxy.sip.errors import ParseError
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri
from proxy.transport.flow import Flow
from proxy.transport.refusal import refusal_for
from proxy.transport.via_source import stamp_source
from tests.routing.world import EXAMPLE, World
from tests.sip.torture.corpus import EXPECTED, MESSAGES

SENDER = "203.0.113.77"


async def what_becomes_of(data: bytes) -> tuple[str, int | None]:
    """("status", n), ("forward", None) or ("drop", None)."""
    world = World(replace(EXAMPLE, unauthenticated=True))
    host_them(world, data)
    flow = Flow("udp", ("198.51.100.1", 5060), (SENDER, 5060), 0)
    receive(world, data, flow)
    await world.settled()
    answers = []
    for sent, to in world.air.sent:
        message = parse(sent)
        if isinstance(message, Request):
            return "forward", None
        if to.remote[0] == SENDER and message.status >= 200:
            answers.append(message.status)
    return ("status", answers[0]) if answers else ("drop", None)


def receive(world: World, data: bytes, flow: Flow) -> None:
    """What proxy.transport.layer does with a datagram."""
    try:
        message = parse(data)
        if isinstance(message, Request):
            stamp_source(message, flow)
        check(message)
    except ParseError as error:
        refuse(world, data, error, flow)
        return
    world.layer.received(message, flow, world.clock.time())


def refuse(world: World, data: bytes, error: ParseError, flow: Flow) -> None:
    try:
        refusal = refusal_for(data, error, flow)
    except ParseError:
        return
    if refusal is not None:
        world.air.send(serialise(refusal), flow)


def host_them(world: World, data: bytes) -> None:
    """Make the Request-URI's host a domain of ours and give its user a phone."""
    try:
        message = parse(data)
        check(message)
        uri = message.uri if isinstance(message, Request) else None
    except ParseError:
        return
    if not isinstance(uri, SipUri):
        return
    name = uri.host.lower().rstrip(b".")
    world.node.directory.put_domains([Domain(9, 9, b"t", name, unauthenticated=True)])
    if uri.user:
        phone = world.phone(b"%b@%b" % (uri.user, name), "192.0.2.200")
        phone.sends(
            b"REGISTER",
            b"sip:" + name,
            to_uri=b"sip:%b@%b" % (uri.user, name),
            contact=b"<sip:phone@192.0.2.200>",
        )
        phone.take_response(200)
    world.air.sent.clear()


@pytest.mark.parametrize("name", sorted(EXPECTED))
async def test_verdict(name: str, caplog: pytest.LogCaptureFixture) -> None:
    expected = EXPECTED[name]
    if expected.status is not None:
        verdict: tuple[str, int | None] = ("status", expected.status)
    else:
        verdict = ("forward" if expected.forward else "drop", None)
    assert await what_becomes_of(MESSAGES[name]) == verdict, expected.why
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("name", sorted(MESSAGES))
async def test_a_message_cut_off_anywhere_breaks_nothing(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    data = MESSAGES[name]
    world = World()
    host_them(world, data)
    flow = Flow("udp", ("198.51.100.1", 5060), (SENDER, 5060), 0)
    for end in range(0, len(data), 13):
        receive(world, data[:end], flow)
    await world.settled()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_response_to_nothing_is_dropped() -> None:
    world = World()
    flow = Flow("udp", ("198.51.100.1", 5060), (SENDER, 5060), 0)
    response = Response(200, headers=((b"via", b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx"),))
    for name, value in (("from", b"<sip:a@x>;tag=1"), ("to", b"<sip:b@x>;tag=2")):
        response.headers.append(name.encode(), value)
    response.headers.append(b"call-id", b"x")
    response.headers.append(b"cseq", b"1 INVITE")
    receive(world, serialise(response), flow)
    assert not world.air.sent


def test_none_is_left_out() -> None:
    assert EXPECTED.keys() == MESSAGES.keys()
    assert len(MESSAGES) == 49 + 12


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_parse(name: str) -> None:
    try:
        check(parse(MESSAGES[name]))
        seen = "ok"
    except ParseError:
        seen = "error"
    assert seen == EXPECTED[name].parse
