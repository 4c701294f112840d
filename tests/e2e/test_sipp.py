"""SIPp against the platform: the message flows that phones rarely show, asserted by header."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.sip import Request, Response
from tests.e2e.conftest import DOMAIN
from tests.harness.calls import (
    bye_at_callee,
    bye_from_caller,
    in_dialog,
    invite,
    register,
    ring_and_answer,
)
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import (
    SDP,
    Party,
    Sipp,
    linger,
    pause,
    receive,
    response,
    scenario,
    send,
)

pytestmark = pytest.mark.e2e

Users = Callable[[str], Party]


class Bench:
    """Starts SIPp phones for one test and knows where the proxy is."""

    def __init__(self, platform: Platform, folder: Path, stack: ExitStack) -> None:
        self.platform = platform
        self._folder = folder
        self._stack = stack
        self._count = 0

    def phone(
        self,
        *steps: str,
        name: str,
        port: int | None = None,
        address: str = "127.0.0.1",
        proxy: str = "",
        proxy_port: int = 0,
        **how: object,
    ) -> Sipp:
        """A SIPp at `address`; the proxy is at the same one unless `proxy` says otherwise, and at
        the platform's port unless `proxy_port` does."""
        self._count += 1
        remote = proxy or address
        bracketed = f"[{remote}]" if ":" in remote else remote
        media = free_port(address)
        sipp = Sipp(
            scenario(*steps),
            self._folder,
            name=f"{self._count:02}-{name}",
            remote=f"{bracketed}:{proxy_port or self.platform.port}",
            port=port or free_port(address),
            address=address,
            options=["-mp", str(media), *how.pop("options", ())],  # type: ignore[misc, call-overload]
            **how,  # type: ignore[arg-type]
        )
        self._stack.callback(sipp.stop)
        return sipp

    def registered(self, party: Party, port: int, address: str = "127.0.0.1") -> None:
        self.phone(
            *register(party), name=f"register-{party.user}", port=port, address=address
        ).succeeds()


@pytest.fixture
def bench(platform: Platform, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(platform, tmp_path, stack)


# -- register


def test_register_with_password(bench: Bench, users: Users) -> None:
    alice = users("alice")
    phone = bench.phone(*register(alice), name="register")
    phone.succeeds()
    done = phone.messages()[-1]
    assert isinstance(done, Response)
    assert done.status == 200
    assert len(done.contacts) == 1
    assert 0 < int(done.contacts[0].param(b"expires") or 0) <= 300


@pytest.mark.parametrize("known", [True, False])
def test_bad_password_and_unknown_user_are_refused_alike(
    bench: Bench, users: Users, known: bool
) -> None:
    name = users("alice").user if known else "nobody-there"
    wrong = Party(name, DOMAIN, "wrong")
    phone = bench.phone(*register(wrong, last=401), name="refused")
    phone.succeeds()
    last = phone.messages()[-1]
    assert isinstance(last, Response)
    assert [name for name, _ in last.headers] == [name for name, _ in phone.messages()[0].headers]


# -- calls


def test_call_keeps_every_via_and_records_two_routes(bench: Bench, users: Users) -> None:
    alice, bob, port = users("alice"), users("bob"), free_port()
    bench.registered(bob, port)
    callee = bench.phone(*ring_and_answer(bob.user), *bye_at_callee(), name="callee", port=port)
    caller = bench.phone(
        *invite(alice, bob.aor),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        pause(0.2),
        *bye_from_caller(alice, bob.aor),
        name="caller",
    )
    caller.succeeds()
    callee.succeeds()
    came = callee.messages()[0]
    assert isinstance(came, Request)
    assert len(came.headers.values(b"via")) == 2
    assert len(came.record_routes) == 2
    assert came.headers.first(b"authorization") is None
    assert came.headers.first(b"proxy-authorization") is None
    assert came.max_forwards == 69
    answered = [m for m in caller.messages() if isinstance(m, Response) and m.status == 200]
    assert len(answered[0].headers.values(b"via")) == 1
    assert len(answered[0].record_routes) == 2


def test_reinvite_from_either_side(bench: Bench, users: Users) -> None:
    alice, bob, port = users("alice"), users("bob"), free_port()
    bench.registered(bob, port)
    callee = bench.phone(
        *ring_and_answer(bob.user),
        receive("INVITE"),
        send(response(200, "OK", user=bob.user, body=SDP, new_tag=False)),
        receive("ACK"),
        *bye_at_callee(),
        name="callee",
        port=port,
    )
    caller = bench.phone(
        *invite(alice, bob.aor),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        in_dialog("INVITE", alice, bob.aor, cseq=3, body=SDP.replace("sendrecv", "sendonly")),
        receive(100, optional=True),
        receive(200),
        in_dialog("ACK", alice, bob.aor, cseq=3),
        pause(0.2),
        *bye_from_caller(alice, bob.aor, cseq=4),
        name="caller",
    )
    caller.succeeds()
    callee.succeeds()
    again = [m for m in callee.messages() if isinstance(m, Request) and m.method == b"INVITE"]
    assert b"a=sendonly" in again[-1].body.split(b"\r\n")
    assert len(again[-1].record_routes) in (0, 2)
    ports = {m.body.split(b"m=audio ")[1].split(b" ")[0] for m in again}
    assert len(ports) == 1, "the relay keeps its port through a re-INVITE"


def test_late_offer(bench: Bench, users: Users) -> None:
    """INVITE without SDP: the offer is in the 200, the answer in the ACK (RFC 3264 s4)."""
    alice, bob, port = users("alice"), users("bob"), free_port()
    bench.registered(bob, port)
    callee = bench.phone(*ring_and_answer(bob.user), *bye_at_callee(), name="callee", port=port)
    caller = bench.phone(
        *invite(alice, bob.aor, body=""),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2, body=SDP),
        pause(0.2),
        *bye_from_caller(alice, bob.aor),
        name="caller",
    )
    caller.succeeds()
    callee.succeeds()
    sent_port = media_port(callee.messages("sent")[1])
    offered = next(m for m in caller.messages() if isinstance(m, Response) and m.status == 200)
    assert media_port(offered) != sent_port, "the offer names the relay"
    acked = next(m for m in callee.messages() if isinstance(m, Request) and m.method == b"ACK")
    answers = [m for m in caller.messages("sent") if isinstance(m, Request) and m.method == b"ACK"]
    assert media_port(acked) != media_port(answers[-1]), "and so does the answer in the ACK"


def media_port(message: Request | Response) -> int:
    return int(message.body.split(b"m=audio ")[1].split(b" ")[0])


def test_early_media_with_prack(bench: Bench, users: Users) -> None:
    alice, bob, port = users("alice"), users("bob"), free_port()
    bench.registered(bob, port)
    callee = bench.phone(
        receive("INVITE", route_set=True, remember=True),
        send(
            response(
                183,
                "Session Progress",
                user=bob.user,
                body=SDP,
                extra=["Require: 100rel", "RSeq: 1"],
            ),
            retransmit=False,
        ),
        receive("PRACK"),
        send(response(200, "OK", new_tag=False), retransmit=False),
        send(response(200, "OK", user=bob.user, remembered=True)),
        receive("ACK"),
        *bye_at_callee(),
        name="callee",
        port=port,
    )
    caller = bench.phone(
        *invite(alice, bob.aor, extra=("Supported: 100rel",)),
        receive(183, route_set=True),
        in_dialog("PRACK", alice, bob.aor, cseq=3, extra=("RAck: 1 2 INVITE",)),
        receive(200),
        receive(200),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        *bye_from_caller(alice, bob.aor, cseq=4),
        name="caller",
    )
    caller.succeeds()
    callee.succeeds()
    prack = [m for m in callee.messages() if isinstance(m, Request) and m.method == b"PRACK"]
    assert prack[0].headers.first(b"rack") == b"1 2 INVITE"
    early = next(m for m in caller.messages() if isinstance(m, Response) and m.status == 183)
    assert media_port(early) != media_port(callee.messages("sent")[0])


def test_parallel_fork_cancels_the_loser(bench: Bench, users: Users) -> None:
    alice, bob = users("alice"), users("bob")
    answering, losing = free_port(), free_port()
    bench.registered(bob, answering)
    bench.registered(bob, losing)
    loser = bench.phone(
        receive("INVITE", remember=True),
        send(response(180, "Ringing", user=bob.user), retransmit=False),
        receive("CANCEL"),
        send(response(200, "OK", new_tag=False), retransmit=False),
        send(response(487, "Request Terminated", remembered=True)),
        receive("ACK"),
        name="loser",
        port=losing,
    )
    winner = bench.phone(
        receive("INVITE", route_set=True),
        send(response(180, "Ringing", user=bob.user), retransmit=False),
        pause(0.5),
        send(response(200, "OK", user=bob.user, body=SDP)),
        receive("ACK"),
        *bye_at_callee(),
        name="winner",
        port=answering,
    )
    caller = bench.phone(
        *invite(alice, bob.aor),
        receive(180),
        receive(180, optional=True),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        pause(0.2),
        *bye_from_caller(alice, bob.aor),
        name="caller",
    )
    caller.succeeds()
    winner.succeeds()
    loser.succeeds()
    branches = {
        m.via.branch
        for phone in (winner, loser)
        for m in phone.messages()
        if isinstance(m, Request) and m.method == b"INVITE"
    }
    assert len(branches) == 2


def test_calls_complete_though_packets_are_lost(bench: Bench, users: Users) -> None:
    """Both phones drop 10 % of what they send and receive; every call still completes."""
    alice, bob, port = users("alice"), users("bob"), free_port()
    bench.registered(bob, port)
    bench.phone(
        receive("INVITE", route_set=True),
        send(response(180, "Ringing", user=bob.user), retransmit=False),
        send(response(200, "OK", user=bob.user, body=SDP)),
        receive("ACK"),
        *bye_at_callee(),
        linger(35),
        name="callee",
        port=port,
        calls=20,
        lost=10,
    )
    caller = bench.phone(
        *invite(alice, bob.aor),
        receive(180, optional=True),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        pause(0.2),
        *bye_from_caller(alice, bob.aor),
        name="caller",
        calls=20,
        lost=10,
        within=120.0,
        trace=False,
    )
    caller.succeeds()


@pytest.mark.parametrize(("caller_at", "callee_at"), [("::1", "127.0.0.1"), ("127.0.0.1", "::1")])
def test_between_address_families(
    bench: Bench, users: Users, caller_at: str, callee_at: str
) -> None:
    alice, bob, port = users("alice"), users("bob"), free_port(callee_at)
    bench.registered(bob, port, callee_at)
    callee = bench.phone(
        *ring_and_answer(bob.user), *bye_at_callee(), name="callee", port=port, address=callee_at
    )
    caller = bench.phone(
        *invite(alice, bob.aor),
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2),
        pause(0.2),
        *bye_from_caller(alice, bob.aor),
        name="caller",
        address=caller_at,
    )
    caller.succeeds()
    callee.succeeds()
    family = {"::1": b"IP6 ::1", "127.0.0.1": b"IP4 127.0.0.1"}
    offered = callee.messages()[0]
    assert isinstance(offered, Request)
    assert b"c=IN " + family[callee_at] in offered.body.split(b"\r\n")
    answered = next(m for m in caller.messages() if isinstance(m, Response) and m.status == 200)
    assert b"c=IN " + family[caller_at] in answered.body.split(b"\r\n")
    assert next(route.uri.host for route in offered.record_routes) in (b"[::1]", b"127.0.0.1")
