"""CPU of a whole node for REGISTER pairs, OPTIONS and complete calls, in memory.

    python -m tests.bench.node [--calls 1000] [--profile call]

What tests/bench/signalling.py measures from outside, without sockets and so without what else the
machine does: the transport's own parsing, the real core, the real routing, records of calls, one
domain that asks nobody for a password and one that does. Clean-up is charged. `--profile` prints
where one of them goes, by cProfile.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from proxy.sip.codec import check, parse
from proxy.sip.message import Request, Response
from proxy.transport.flow import Flow
from proxy.transport.via_source import reply_address, stamp_source
from tests.bench.transaction import response
from tests.harness.network import PROXY4
from tests.routing.world import EXAMPLE, OPEN, World

HERE = (PROXY4, 5060)
ALICE = Flow("udp", HERE, ("192.0.2.10", 5060))
BOB = Flow("udp", HERE, ("192.0.2.20", 5060))
FLOWS = {flow.remote: flow for flow in (ALICE, BOB)}
ROUNDS = 7

HEAD = b"""%b %b SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-%d-%d;rport\r
%bMax-Forwards: 70\r
From: <sip:alice@%b>;tag=f%d\r
To: <sip:bob@%b>%b\r
Call-ID: %d-4711@192.0.2.10\r
CSeq: %d %b\r
Contact: <sip:alice@192.0.2.10:5060;transport=UDP>\r
"""
SDP = b"""v=0\r
o=user 53655765 2353687637 IN IP4 192.0.2.10\r
s=-\r
c=IN IP4 192.0.2.10\r
t=0 0\r
m=audio 6000 RTP/AVP 0 101\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:101 telephone-event/8000\r
a=sendrecv\r
"""


class Wire:
    """In the place of the sockets: what is sent is kept, flows are found by address."""

    def __init__(self, world: World) -> None:
        self.last: dict[Flow, bytes] = {}
        self.count = 0
        self.locate_now = world.air.locate_now
        self.locate = world.air.locate
        self.failed = world.air.failed
        self.advertised = world.air.advertised
        self.is_own = world.air.is_own
        self.open = world.air.open

    def send(self, data: bytes, flow: Flow) -> None:
        self.count += 1
        self.last[flow] = data

    def flow_for_hop(self, hop: object) -> Flow:
        return BOB

    def reply_flow(self, via: object, arrived: Flow) -> Flow:
        if reply_address(via, arrived) != arrived.remote:  # type: ignore[arg-type]
            raise SystemExit("a response would go elsewhere")
        return arrived

    def live_flow(self, flow: Flow) -> Flow:
        return FLOWS[flow.remote]

    def keep_alive(self, flow: Flow, on: bool) -> None:
        """Nothing here is behind a NAT for long."""


class Bench:
    """One node with two phones."""

    def __init__(self, domain: bytes) -> None:
        never = [replace(one, media_policy="never") for one in (EXAMPLE, OPEN)]
        self.world = World(*never, flood_requests=10**9)
        self.domain = domain
        for user in (b"alice@open.example", b"bob@open.example"):
            self.world.add_user(user, OPEN)
        self.wire = Wire(self.world)
        self.world.node.transport = self.wire  # type: ignore[assignment]
        layer = self.world.layer
        for one in (layer, layer._loose_route, layer._replies, layer._via, layer._clients,
                    layer._forwarder, layer._forwarder._record_route):  # fmt: skip
            one._transport = self.wire
        bob = self.world.phone(b"bob@" + domain, "192.0.2.20")
        self.world.air.receive = layer.received
        text = HEAD % (b"REGISTER", b"sip:" + domain, 0, 0, b"", domain, 0, domain, b"", 0, 1,
                       b"REGISTER")  # fmt: skip
        text = text.replace(b"192.0.2.10", b"192.0.2.20").replace(b"alice", b"bob")
        self.say(text, BOB)
        if domain != OPEN.name:
            self.say(self.signed(text, self.wire.last[BOB], bob), BOB)
        assert self.wire.last[BOB].startswith(b"SIP/2.0 200"), self.wire.last[BOB]
        self.bob = bob
        self.alice = self.world.phone(b"alice@" + domain, "192.0.2.10")

    def say(self, text: bytes, flow: Flow) -> None:
        """A message without a body arrives."""
        self.arrive(text + b"Content-Length: 0\r\n\r\n", flow)

    def arrive(self, data: bytes, flow: Flow) -> None:
        """As TransportLayer._parse does it."""
        message = parse(data, max_headers=256)
        if isinstance(message, Request):
            stamp_source(message, flow)
        check(message)
        self.world.layer.received(message, flow, self.world.clock.time())

    def signed(self, text: bytes, challenge: bytes, phone: object) -> bytes:
        """The same request again with credentials, and a branch and a CSeq of its own."""
        request, answer = parse(text + b"\r\n"), parse(challenge)
        assert isinstance(request, Request)
        assert isinstance(answer, Response)
        again = phone.signs(request, answer)  # type: ignore[attr-defined]
        again.headers.remove(b"content-length")
        start = b"%b %b SIP/2.0\r\n" % (again.method, again.uri_raw)
        return start + again.headers.serialise()

    def request(
        self, method: bytes, number: int, cseq: int, routes: bytes = b"", tag: bytes = b""
    ) -> bytes:
        uri = b"sip:bob@192.0.2.20:5060;transport=UDP" if tag else b"sip:bob@" + self.domain
        if method == b"REGISTER":
            uri = b"sip:" + self.domain
        made = HEAD % (method, uri, number, cseq, routes, self.domain, number, self.domain, tag,
                       number, cseq, method)  # fmt: skip
        return made.replace(b"To: <sip:bob", b"To: <sip:alice") if method == b"REGISTER" else made


Timer = Callable[[Callable[[bytes, Flow], None], list[tuple[bytes, Flow]]], None]


def with_body(text: bytes) -> bytes:
    return text + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP


def spent(bench: Bench, data: bytes, flow: Flow) -> float:
    began = time.process_time()
    bench.arrive(data, flow)
    return time.process_time() - began


def calls(bench: Bench, count: int) -> float:
    """INVITE, 100, 180, 200, ACK, BYE, 200."""
    total, wire, is_guarded = 0.0, bench.wire, bench.domain != OPEN.name
    for number in range(count):
        text = bench.request(b"INVITE", number, 2)
        if is_guarded:
            total += spent(bench, with_body(text), ALICE)
            refused = wire.last[ALICE]
            ack = text.replace(b"INVITE", b"ACK").replace(
                b"To: <sip:bob@example.com>", b"To: <sip:bob@example.com>;tag=x"
            )
            total += spent(bench, ack + b"Content-Length: 0\r\n\r\n", ALICE)
            text = bench.signed(text, refused, bench.alice)
        total += spent(bench, with_body(text), ALICE)
        invite = wire.last[BOB]
        for status in (b"180 Ringing", b"200 OK"):
            total += spent(bench, response(invite, status), BOB)
        ok = wire.last[ALICE]
        assert ok.startswith(b"SIP/2.0 200"), ok
        head = ok.partition(b"\r\n\r\n")[0].split(b"\r\n")
        routes = b"".join(b"Route: %b\r\n" % line.partition(b": ")[2] for line in reversed(head)
                          if line.startswith(b"Record-Route"))  # fmt: skip
        ending = b"Content-Length: 0\r\n\r\n"
        for method, cseq in ((b"ACK", 2), (b"BYE", 3)):
            made = bench.request(method, number, cseq, routes, b";tag=b")
            if method == b"ACK":
                made = made.replace(b"-2;rport", b"-9;rport")
            total += spent(bench, made + ending, ALICE)
        assert wire.last[BOB].startswith(b"BYE"), wire.last[BOB]
        total += spent(bench, response(wire.last[BOB], b"200 OK"), BOB)
        assert wire.last[ALICE].startswith(b"SIP/2.0 200"), wire.last[ALICE]
    return total


def options(bench: Bench, count: int) -> float:
    total = 0.0
    for number in range(count):
        data = bench.request(b"OPTIONS", number, 1) + b"Content-Length: 0\r\n\r\n"
        total += spent(bench, data, ALICE)
        total += spent(bench, response(bench.wire.last[BOB], b"200 OK"), BOB)
        assert bench.wire.last[ALICE].startswith(b"SIP/2.0 200"), bench.wire.last[ALICE]
    return total


def registers(bench: Bench, count: int) -> float:
    total = 0.0
    ending = b"Content-Length: 0\r\n\r\n"
    for number in range(count):
        text = bench.request(b"REGISTER", number, 1)
        total += spent(bench, text + ending, ALICE)
        text = bench.signed(text, bench.wire.last[ALICE], bench.alice)
        total += spent(bench, text + ending, ALICE)
        assert bench.wire.last[ALICE].startswith(b"SIP/2.0 200"), bench.wire.last[ALICE]
    return total


WHAT: dict[str, tuple[bytes, Callable[[Bench, int], float]]] = {
    "register": (EXAMPLE.name, registers),
    "options": (OPEN.name, options),
    "call": (OPEN.name, calls),
    "digest": (EXAMPLE.name, calls),
}


async def run(name: str, count: int) -> tuple[float, float]:
    """CPU-seconds of the messages, and of the clean-up."""
    domain, load = WHAT[name]
    bench = Bench(domain)
    gc.collect()
    messages = load(bench, count)
    began = time.process_time()
    bench.world.clock.advance(200)
    return messages, time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--only", nargs="*", choices=list(WHAT))
    parser.add_argument("--profile", choices=list(WHAT))
    args = parser.parse_args()
    if args.profile:
        profile = cProfile.Profile()
        profile.enable()
        asyncio.run(run(args.profile, args.calls))
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(60)
        return
    for name in args.only or WHAT:
        rounds = [asyncio.run(run(name, args.calls)) for _ in range(ROUNDS)]
        messages = min(one[0] for one in rounds) / args.calls * 1e6
        cleaning = min(one[1] for one in rounds) / args.calls * 1e6
        print(f"{name:10}{messages + cleaning:8.1f} CPU-µs, of them {cleaning:.1f} clean-up")


if __name__ == "__main__":
    main()
