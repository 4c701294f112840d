"""A real Kamailio whose rtpengine module is answered by our relay; SIPp signals, Python speaks."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from media.ng import Query
from media.sdp import Session
from media.sdp import parse as parse_description
from proxy.sip import Request
from tests.harness.calls import bye_at_callee, in_dialog, ring_and_answer
from tests.harness.kamailio import ONE_WORKER, kamailio, loaded
from tests.harness.ng import NgClient, RtpPhone, our_relay, talk
from tests.harness.processes import free_port
from tests.harness.sipp import (
    Party,
    Sipp,
    ack_of_failure,
    receive,
    request,
    response,
    scenario,
    send,
)
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

ALICE, BOB = Party("alice", "kamailio.test"), Party("bob", "kamailio.test")

CONFIG = (
    ONE_WORKER
    + """\
debug=1
disable_tcp=yes
listen=udp:127.0.0.1:{port}
"""
    + loaded("tm sl rr pv textops siputils rtpengine")
    + """\
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{ng_port}")
modparam("rtpengine", "rtpengine_tout_ms", 5000)
request_route {{
  if (is_method("CANCEL")) {{ rtpengine_delete(); t_relay(); exit; }}
  if (has_totag()) {{
    if (!loose_route()) {{ if (is_method("ACK") && t_check_trans()) t_relay(); exit; }}
  }} else {{
    record_route();
    $du = "sip:127.0.0.1:{callee}";
  }}
  if (is_method("INVITE|ACK|BYE")) rtpengine_manage("{flags}");
  t_on_reply("answer");
  t_on_failure("failure");
  t_relay();
}}
onreply_route[answer] {{ rtpengine_manage("{flags}"); }}
failure_route[failure] {{ rtpengine_manage("{flags}"); }}
"""
)
FLAGS = "replace-origin replace-session-connection ICE=remove trust-address RTP/AVP via-branch=1"


class Stage:
    """Kamailio and our relay; phones come as the test wants them."""

    def __init__(self, folder: Path, stack: ExitStack, flags: str) -> None:
        self.folder = folder
        self.stack = stack
        self.port, self.callee, self.caller, ng_port = (free_port() for _ in range(4))
        stack.enter_context(our_relay(folder / "relay", ng_port=ng_port, ports=(25400, 25599)))
        config = CONFIG.format(port=self.port, callee=self.callee, ng_port=ng_port, flags=flags)
        self.kamailio = stack.enter_context(kamailio(config, folder))
        self.relay = stack.enter_context(NgClient(ng_port))
        self.alice = stack.enter_context(RtpPhone(ssrc=1))
        self.bob = stack.enter_context(RtpPhone(ssrc=2))

    def sipp(self, name: str, port: int, *steps: str) -> Sipp:
        phone = Sipp(
            scenario(*steps),
            self.folder,
            name=name,
            remote=f"127.0.0.1:{self.port}",
            port=port,
        )
        self.stack.callback(phone.stop)
        return phone

    def prompt(self, phone: Sipp, port: int) -> None:
        """Tell a waiting scenario to go on, by an INFO that comes from nowhere."""
        call_id = phone.messages("received")[0].call_id
        text = (
            b"INFO sip:prompt SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKprompt\r\n"
            b"From: <sip:test@test>;tag=p\r\nTo: <sip:test@test>;tag=q\r\n"
            b"Call-ID: %b\r\nCSeq: 99 INFO\r\nContent-Length: 0\r\n\r\n" % call_id
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(text, ("127.0.0.1", port))

    def calls(self) -> object:
        return self.relay.ask({b"command": b"list"})[b"calls"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    with ExitStack() as stack:
        made: list[Stage] = []

        def make(flags: str = FLAGS) -> Stage:
            made.append(Stage(tmp_path, stack, flags))
            return made[-1]

        yield make
        for one in made:
            wait_until(lambda one=one: one.calls() == [], "the relay has no call left")
            assert "ERROR" not in one.kamailio.text()


def body(phone: RtpPhone) -> str:
    return phone.description().decode().replace("\r\n", "\n")


def described(phone: Sipp, index: int = 0) -> Session:
    """The description in the `index`th message with a body that this phone has received."""
    bodies = [message.body for message in phone.messages("received") if message.body]
    return parse_description(bytes(bodies[index]))


def has_acked(phone: Sipp) -> Callable[[], bool]:
    return lambda: any(
        isinstance(message, Request) and message.method == b"ACK"
        for message in phone.messages("received")
    )


def invite(text: str) -> tuple[str, ...]:
    return send(request("INVITE", ALICE, BOB.aor, cseq=1, body=text)), receive(100, optional=True)


def test_call(stage: Callable[..., Stage]) -> None:
    here = stage()
    bob = here.sipp(
        "bob",
        here.callee,
        *(
            receive("INVITE", route_set=True),
            send(response(180, "Ringing", user="bob"), retransmit=False),
            send(response(200, "OK", user="bob", body=body(here.bob))),
            receive("ACK"),
        ),
        *bye_at_callee(),
    )
    alice = here.sipp(
        "alice",
        here.caller,
        *invite(body(here.alice)),
        receive(180, optional=True),
        receive(200, route_set=True),
        in_dialog("ACK", ALICE, BOB.aor, cseq=1),
        receive("INFO"),
        in_dialog("BYE", ALICE, BOB.aor, cseq=2),
        receive(200),
    )
    wait_until(has_acked(bob), "the call stands")
    here.bob.hears_of(described(bob))
    here.alice.hears_of(described(alice))
    assert 25400 <= described(bob).media[0].port <= 25599
    talk(here.alice, here.bob, rounds=20)
    calls = here.calls()
    assert isinstance(calls, list)
    assert len(calls) == 1
    assert here.relay.accepted(Query(calls[0]))[b"totals"] is not None
    here.prompt(alice, here.caller)
    alice.succeeds()
    bob.succeeds()


def test_late_offer(stage: Callable[..., Stage]) -> None:
    """The callee offers in its 200, the caller answers in its ACK."""
    here = stage()
    bob = here.sipp(
        "bob",
        here.callee,
        receive("INVITE", route_set=True),
        send(response(200, "OK", user="bob", body=body(here.bob))),
        receive("ACK"),
        *bye_at_callee(),
    )
    alice = here.sipp(
        "alice",
        here.caller,
        *invite(""),
        receive(200, route_set=True),
        in_dialog("ACK", ALICE, BOB.aor, cseq=1, body=body(here.alice)),
        receive("INFO"),
        in_dialog("BYE", ALICE, BOB.aor, cseq=2),
        receive(200),
    )
    wait_until(has_acked(bob), "the call stands")
    here.bob.hears_of(described(bob))
    here.alice.hears_of(described(alice))
    talk(here.alice, here.bob, rounds=5)
    here.prompt(alice, here.caller)
    alice.succeeds()
    bob.succeeds()


def test_refused_call_leaves_nothing(stage: Callable[..., Stage]) -> None:
    here = stage()
    bob = here.sipp(
        "bob",
        here.callee,
        receive("INVITE"),
        send(response(486, "Busy Here", user="bob")),
        receive("ACK"),
    )
    alice = here.sipp(
        "alice",
        here.caller,
        *invite(body(here.alice)),
        receive(486),
        send(ack_of_failure(ALICE, BOB.aor, cseq=1), retransmit=False),
    )
    alice.succeeds()
    bob.succeeds()


def test_ipv6_towards_the_callee(stage: Callable[..., Stage]) -> None:
    here = stage(FLAGS + " address-family=IP6")
    here.bob.close()
    here.bob = here.stack.enter_context(RtpPhone("::1", ssrc=2))
    steps = ring_and_answer("bob")
    bob = here.sipp(
        "bob",
        here.callee,
        *steps[:2],
        send(response(200, "OK", user="bob", body=body(here.bob))),
        steps[3],
        *bye_at_callee(),
    )
    alice = here.sipp(
        "alice",
        here.caller,
        *invite(body(here.alice)),
        receive(180, optional=True),
        receive(200, route_set=True),
        in_dialog("ACK", ALICE, BOB.aor, cseq=1),
        receive("INFO"),
        in_dialog("BYE", ALICE, BOB.aor, cseq=2),
        receive(200),
    )
    wait_until(has_acked(bob), "the call stands")
    here.bob.hears_of(described(bob))
    told = described(bob).connection
    assert told is not None
    assert told.family == b"IP6"
    # Kamailio asks for IPv6 in the answer as well, so alice's side moves to it too.
    here.alice.close()
    here.alice = here.stack.enter_context(RtpPhone("::1", ssrc=1))
    here.alice.hears_of(described(alice))
    here.alice.says(b"hello")
    assert here.bob.hears()[12:] == b"hello"
    here.prompt(alice, here.caller)
    alice.succeeds()
    bob.succeeds()
