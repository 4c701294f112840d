"""Calls of a browser that has gone: ended when it stays away, kept when it comes back in time."""

from __future__ import annotations

import pytest

from proxy.location.store import Bindings
from proxy.routing import registrar
from proxy.routing.abandoned import Abandoned
from tests.harness.builders import Dialog, respond
from tests.routing.world import SDP, UserAgent, World

ALICE, BOB = b"alice@example.com", b"bob@example.com"
INSTANCE = b';+sip.instance="<urn:uuid:00000000-0000-1000-8000-AABBCCDDEEFF>";reg-id=1'
CONTACT = b"<sip:k3j2@d5f6.invalid;transport=ws>"
AWAY_SECONDS = 20.0


class Talk:
    """A browser and a desk phone in a call."""

    def __init__(self, caller: str) -> None:
        self.world = World()
        node = self.world.node
        node.bindings = Bindings(on_removed=lambda gone: registrar.let_flow_go(gone, node))
        self.abandoned = Abandoned(node, self.world.layer.own_requests, self.world.clock)
        self.browser = self.registers(40_001, CONTACT + INSTANCE)
        self.desk = self.world.registered(BOB, "192.0.2.20")
        near, far = (self.browser, self.desk) if caller == "browser" else (self.desk, self.browser)
        target = b"sip:bob@example.com" if near is self.browser else b"sip:alice@example.com"
        invite = near.invites(target, body=SDP, contact=self.contact(near))
        came = far.take_request(b"INVITE")
        ok = far.answers(came, 200, body=SDP, contact=self.contact(far))
        self.near, self.far = near, far
        self.caller = Dialog(invite, near.take_response(200), is_caller=True)
        self.callee = Dialog(came, ok, is_caller=False)
        near.send(self.caller.request(b"ACK", via=near.via))
        far.take_request(b"ACK")

    def contact(self, one: UserAgent) -> bytes:
        return CONTACT if one is self.browser else one.contact

    def registers(self, port: int, contact: bytes, call_id: bytes = b"first") -> UserAgent:
        one = self.world.phone(ALICE, "203.0.113.5", port, "wss")
        supported = (b"supported", b"path, gruu, outbound")
        one.registers(supported, contact=contact, call_id=call_id)
        return one

    def cut(self, one: UserAgent) -> None:
        """As server.py does when a connection ends."""
        self.world.air.break_flow(one.flow)
        self.world.layer.flow_closed(one.flow)
        self.abandoned.flow_closed(one.flow)
        self.world.node.bindings.drop(self.world.node.flows.take(one.flow))

    async def waits(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        await self.world.settled()


@pytest.mark.parametrize("caller", ["browser", "desk"])
async def test_a_browser_that_stays_away_ends_its_call_at_the_phone(caller: str) -> None:
    talk = Talk(caller)
    talk.cut(talk.browser)
    await talk.waits(AWAY_SECONDS - 1)
    talk.desk.take_nothing()
    await talk.waits(1)
    bye = talk.desk.take_request(b"BYE")
    dialog = talk.callee if caller == "browser" else talk.caller
    assert (bye.from_tag, bye.to_tag) == (dialog.remote_tag, dialog.local_tag)
    assert bye.headers.first(b"reason") == b'SIP;cause=480;text="The browser has gone"'
    talk.desk.send(respond(bye, 200))
    assert [(one.reason, one.ended_by) for one in talk.world.records] == [
        (b"Browser gone", "proxy")
    ]


@pytest.mark.parametrize("caller", ["browser", "desk"])
async def test_one_that_is_back_in_time_keeps_its_call(caller: str) -> None:
    talk = Talk(caller)
    talk.cut(talk.browser)
    again = talk.registers(40_002, b"<sip:other@d5f6.invalid;transport=ws>" + INSTANCE, b"again")
    await talk.waits(2 * AWAY_SECONDS)
    talk.desk.take_nothing()
    again.take_nothing()
    assert len(talk.world.node.calls) == 1
    talk.cut(again)  # and is looked after by its new connection
    await talk.waits(AWAY_SECONDS)
    talk.desk.take_request(b"BYE")


async def test_another_device_of_the_user_is_not_taken_for_it() -> None:
    talk = Talk("browser")
    talk.cut(talk.browser)
    talk.registers(40_002, CONTACT + INSTANCE.replace(b"FF>", b"00>"), b"other")
    await talk.waits(AWAY_SECONDS)
    talk.desk.take_request(b"BYE")


async def test_a_call_that_is_over_is_left_alone() -> None:
    talk = Talk("browser")
    talk.near.send(talk.caller.request(b"BYE", via=talk.near.via))
    talk.far.send(respond(talk.far.take_request(b"BYE"), 200))
    armed = talk.world.clock.armed()
    talk.cut(talk.browser)
    assert talk.world.clock.armed() == armed
    await talk.waits(AWAY_SECONDS)
    talk.desk.take_nothing()


async def test_a_desk_phone_s_connection_ends_no_call() -> None:
    """It is located by its URI, and may open another one whenever it has something to say."""
    talk = Talk("browser")
    talk.abandoned.flow_closed(talk.desk.flow)
    await talk.waits(AWAY_SECONDS)
    talk.browser.take_nothing()


async def test_of_two_calls_under_one_call_id_the_browser_s_is_ended() -> None:
    """The desk phone called somebody else under that Call-ID before, and goes on to talk to him."""
    talk = Talk("desk")
    carol = talk.world.registered(b"carol@example.com", "192.0.2.30")
    names = {"call_id": talk.caller.call_id}
    talk.desk.invites(b"sip:carol@example.com", body=SDP, **names)
    carol.answers(carol.take_request(b"INVITE"), 200, body=SDP)
    talk.desk.take_response(200)
    talk.desk.invites(b"sip:alice@example.com", body=SDP, **names)
    came = talk.browser.take_request(b"INVITE")
    talk.browser.answers(came, 200, body=SDP, contact=CONTACT, to_tag=b"second")
    talk.desk.take_response(200)
    talk.cut(talk.browser)
    await talk.waits(AWAY_SECONDS)
    tags = [talk.desk.take_request(b"BYE").from_tag for _ in range(2)]
    assert sorted(tags) == sorted([talk.caller.remote_tag, b"second"])
    carol.take_nothing()
    assert talk.world.call().callee == b"sip:carol@example.com"
