"""CPU of the transaction layer and the proxy core for complete calls, in memory.

    python -m tests.bench.transaction [calls]

Each call is INVITE, 180, 200, ACK, BYE and 200 through the real parser, transaction machines,
routing by a trivial transaction user (one target, no media), Record-Route with sealed tokens,
loose routing and the serialiser; only sockets and policy are missing. Ends charged: the clock is
moved on so that every transaction is also cleaned up. What phones send is prepared beforehand.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable

from proxy.core.loose_route import open_own_entries
from proxy.core.request_context import RequestContext
from proxy.core.target_set import Target
from proxy.core.transaction_layer import CoreSettings, TransactionLayer
from proxy.sip.codec import parse
from proxy.sip.uri import parse_uri
from proxy.transport.flow import Flow
from proxy.transport.flow_token import Tokens
from tests.harness.clock import Clock
from tests.harness.network import Network

ALICE = Flow("udp", ("198.51.100.1", 5060), ("192.0.2.10", 5060), 0)
BOB = Flow("udp", ("198.51.100.1", 5060), ("192.0.2.20", 5060), 0)
TARGET = parse_uri(b"sip:bob@192.0.2.20:5060")
ROUNDS = 15

INVITE = b"""INVITE sip:bob@example.com SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKi%d;received=192.0.2.10;rport=5060\r
Max-Forwards: 70\r
From: "Alice" <sip:alice@example.com>;tag=a%d\r
To: <sip:bob@example.com>\r
Call-ID: call%d@192.0.2.10\r
CSeq: 1 INVITE\r
Contact: <sip:alice@192.0.2.10:5060>\r
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE\r
Supported: replaces, 100rel, timer, gruu, path, outbound\r
User-Agent: baresip v1.0.0 (x86_64/linux)\r
Accept: application/sdp\r
Session-Expires: 1800\r
Content-Type: application/sdp\r
Content-Length: 131\r
\r
v=0\r
o=- 1 1 IN IP4 192.0.2.10\r
s=-\r
c=IN IP4 192.0.2.10\r
t=0 0\r
m=audio 40000 RTP/AVP 0 8 101\r
a=rtpmap:101 telephone-event/8000\r
"""


class Wire:
    """A transport that counts and keeps what was sent last, and finds flows by a dict."""

    def __init__(self) -> None:
        self.network = Network(Clock())
        self.last = b""
        self.messages = 0
        self.live_flow = self.network.live_flow
        self.advertised = self.network.advertised
        self.is_own = self.network.is_own
        self.locate_now = self.network.locate_now
        self.locate = self.network.locate
        self.open = self.network.open

    def send(self, data: bytes, flow: Flow) -> None:
        self.messages += 1
        self.last = data

    def flow_for_hop(self, hop: object) -> Flow:
        return BOB

    def reply_flow(self, via: object, arrived: Flow) -> Flow:
        return arrived


async def route(call: RequestContext) -> None:
    """The trivial transaction user: Route set first, else one target that a flow reaches."""
    open_own_entries(call)
    if call.is_initial:
        call.targets.add(Target(TARGET, flow=BOB))
    await call.relay()


def response(request: bytes, status: bytes) -> bytes:
    """What a phone answers, made from the bytes of a request."""
    head = request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    kept = [
        line + b";tag=b" if line[:3] == b"To:" and b"tag=" not in line else line
        for line in head
        if line.partition(b":")[0] in (b"Via", b"From", b"To", b"Call-ID", b"CSeq", b"Record-Route")
    ]
    lines = [
        b"SIP/2.0 " + status,
        *kept,
        b"Contact: <sip:bob@192.0.2.20:5060>",
        b"User-Agent: Linphone/5.1",
        b"Content-Length: 0",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def in_dialog(ok: bytes, method: bytes, cseq: int, number: int) -> bytes:
    """What the caller sends within the dialog."""
    head = ok.partition(b"\r\n\r\n")[0].split(b"\r\n")
    routes = [line.partition(b": ")[2] for line in head if line.startswith(b"Record-Route")]
    kept = [line for line in head if line.partition(b":")[0] in (b"From", b"To", b"Call-ID")]
    lines = [
        b"%b sip:bob@192.0.2.20:5060 SIP/2.0" % method,
        b"Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK%b%d;received=192.0.2.10;rport=5060"
        % (method.lower(), number),
        *(b"Route: " + route for route in reversed(routes)),
        b"Max-Forwards: 70",
        *kept,
        b"CSeq: %d %b" % (cseq, method),
        b"User-Agent: baresip v1.0.0 (x86_64/linux)",
        b"Content-Length: 0",
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def run(calls: int) -> dict[str, float]:
    """CPU-seconds for so many calls, by message."""
    wire = Wire()
    clock = wire.network.clock
    tokens = Tokens(b"k" * 32, b"boot")
    settings = CoreSettings(secret=b"s" * 32)
    layer = TransactionLayer(wire, wire, tokens, clock, route, settings)
    spent: dict[str, float] = {}
    received, cpu = layer.received, time.process_time

    def charge(name: str, each: Callable[[int], tuple[bytes, Flow]]) -> list[bytes]:
        inputs = [each(number) for number in range(calls)]
        sent = []
        now = clock.time()
        gc.collect()
        begin = cpu()
        for data, flow in inputs:
            received(parse(data), flow, now)
            sent.append(wire.last)
        spent[name] = cpu() - begin
        return sent

    last_invites: list[bytes] = []
    # the 100 goes out last, so the INVITE is caught on its way
    original_send = wire.send

    def send(data: bytes, flow: Flow) -> None:
        if flow is BOB:
            last_invites.append(data)
        original_send(data, flow)

    wire.send = send  # type: ignore[method-assign]
    charge("INVITE", lambda n: (INVITE % (n, n, n), ALICE))
    wire.send = original_send  # type: ignore[method-assign]
    charge("180", lambda n: (response(last_invites[n], b"180 Ringing"), BOB))
    oks = charge("200", lambda n: (response(last_invites[n], b"200 OK"), BOB))
    charge("ACK", lambda n: (in_dialog(oks[n], b"ACK", 1, n), ALICE))
    byes = charge("BYE", lambda n: (in_dialog(oks[n], b"BYE", 2, n), ALICE))
    charge("200 of BYE", lambda n: (response(byes[n], b"200 OK"), BOB))
    begin = cpu()
    clock.advance(200)
    spent["clean-up"] = cpu() - begin
    if layer.transactions != (0, 0) or wire.messages != 7 * calls:
        raise SystemExit(f"wrong: {layer.transactions} left, {wire.messages} messages sent")
    return spent


def parse_cost(calls: int) -> float:
    """CPU-seconds of parsing alone, for the messages of so many calls."""
    message = INVITE % (1, 1, 1)
    reply = response(message, b"200 OK")
    begin = time.process_time()
    for _ in range(calls):
        for data in (message, reply, reply, reply, reply, reply):
            parse(data)
    return time.process_time() - begin


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    gc.disable()
    rounds = [run(calls) for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in rounds[0]}
    parsing = min(parse_cost(calls) for _ in range(ROUNDS))
    total = sum(best.values())
    print(f"{total / calls * 1e6:7.1f} CPU-us per call, of them ", end="")
    print(f"{parsing / calls * 1e6:.1f} parsing (each part: the best of {ROUNDS} rounds)")
    for name, seconds in best.items():
        print(f"{seconds / calls * 1e6:7.1f}   {name}")


if __name__ == "__main__":
    main()
