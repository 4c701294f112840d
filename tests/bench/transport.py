"""CPU of the transport alone: messages echoed through the real layer under uvloop, on loopback.

    python -m tests.bench.transport [messages]

Another process sends a 17-header INVITE and waits for its echo, with a window of messages under
way. Charged is the CPU of the echoing process for one message in and one out:

    socket      recvfrom and sendto in one drain loop, nothing else: the floor
    listener    the same through UdpListener with its flows
    udp, tcp    through TransportLayer: framing, parse, check, Via stamped, flow, an answer sent
    locate_now  a name whose DNS answers are in memory (nothing is sent)
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import uvloop

from proxy.locate.resolver import Locator
from proxy.settings import ProxySettings
from proxy.sip.message import Request, Response
from proxy.sip.uri import SipUri
from proxy.transport.flow import Flow
from proxy.transport.layer import TransportLayer
from proxy.transport.udp import UdpListener
from tests.harness.dns_server import DnsServer, Zones
from tests.harness.processes import free_port

HOST = "127.0.0.1"
WINDOW = 32
ROUNDS = 5

INVITE = b"""INVITE sip:bob@example.com SIP/2.0\r
Via: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK74bf9;rport\r
Max-Forwards: 70\r
From: "Alice" <sip:alice@example.com>;tag=9fxced76sl\r
To: "Bob" <sip:bob@example.com>\r
Call-ID: 3848276298220188511@atlanta.example.com\r
CSeq: 1 INVITE\r
Contact: <sip:alice@127.0.0.1:5060>\r
User-Agent: bench/1.0\r
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, REFER, NOTIFY\r
Supported: replaces, timer, path, outbound, gruu\r
Session-Expires: 1800\r
Min-SE: 90\r
P-Preferred-Identity: <sip:alice@example.com>\r
Accept: application/sdp\r
Content-Type: application/sdp\r
Content-Length: 151\r
\r
v=0\r
o=alice 2890844526 2890844526 IN IP4 127.0.0.1\r
s=-\r
c=IN IP4 127.0.0.1\r
t=0 0\r
m=audio 49172 RTP/AVP 0 8 101\r
a=rtpmap:101 telephone-event/8000\r
a=sendrecv\r
"""


class Echo:
    """The echoing side: counts and stops the loop's waiter when all have come."""

    def __init__(self, messages: int) -> None:
        self.left = messages
        self.done = asyncio.Event()
        self.send: Callable[[bytes, Flow], None]
        self.answer = b""

    def datagram(self, data: bytes, flow: Flow) -> None:
        self.send(data, flow)
        self.count()

    def message(self, message: Request | Response, flow: Flow, now: float) -> None:
        self.send(self.answer, flow)
        self.count()

    def count(self) -> None:
        self.left -= 1
        if not self.left:
            self.done.set()


def plain_socket(echo: Echo, port: int) -> Callable[[], None]:
    loop = asyncio.get_running_loop()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.bind((HOST, port))

    def drain() -> None:
        for _ in range(64):
            try:
                data, source = sock.recvfrom(65536)
            except BlockingIOError:
                return
            sock.sendto(data, source)
            echo.count()

    loop.add_reader(sock.fileno(), drain)
    return sock.close


def listener(echo: Echo, port: int) -> Callable[[], None]:
    udp = UdpListener((HOST, port), echo.datagram, lambda data: None, asyncio.get_running_loop())
    echo.send = lambda data, flow: udp.send(data, flow.remote)
    return udp.close


async def layer(echo: Echo, port: int, folder: Path) -> Callable[[], None]:
    settings = ProxySettings(
        database_url="", addresses=(HOST,), port=port, tls=False, state_dir=folder
    )
    transport = TransportLayer(
        settings, on_message=echo.message, on_flow_closed=lambda flow: None, tls=None
    )
    await transport.start()
    echo.send = transport.send
    echo.answer = invite(port)
    return transport.close


async def echo_for(kind: str, port: int, messages: int, pipe: Pipe) -> float:
    """Serve one run; CPU-seconds from the first message to the last."""
    echo = Echo(messages)
    with tempfile.TemporaryDirectory() as folder:
        if kind == "socket":
            close = plain_socket(echo, port)
        elif kind == "listener":
            close = listener(echo, port)
        else:
            close = await layer(echo, port, Path(folder))
        gc.collect()
        gc.disable()
        begin = time.process_time()
        pipe.send("go")
        await echo.done.wait()
        spent = time.process_time() - begin
        close()
    return spent


def invite(port: int) -> bytes:
    head, _, body = (INVITE % port).partition(b"\r\n\r\n")
    return head.replace(b"Content-Length: 151", b"Content-Length: %d" % len(body)) + (
        b"\r\n\r\n" + body
    )


def load(kind: str, port: int, messages: int, pipe: Pipe) -> None:
    """The other process: keep a window of messages under way."""
    is_tcp = kind == "tcp"
    for _ in range(ROUNDS):
        pipe.recv()
        with socket.socket(
            socket.AF_INET, socket.SOCK_STREAM if is_tcp else socket.SOCK_DGRAM
        ) as sock:
            sock.settimeout(20)
            sock.connect((HOST, port))
            message = invite(sock.getsockname()[1])
            size = len(invite(port)) if is_tcp else 0
            sent = came = 0
            while came < messages:
                while sent < messages and sent - came < WINDOW:
                    sock.sendall(message)
                    sent += 1
                if is_tcp:
                    got = len(sock.recv(size, socket.MSG_WAITALL))
                    came += got // size
                else:
                    sock.recv(65536)
                    came += 1
        pipe.send("done")


def measure(kind: str, messages: int) -> float:
    """CPU-µs a message, the best of some rounds."""
    ours, theirs = multiprocessing.Pipe()
    port = free_port(HOST)
    other = multiprocessing.Process(target=load, args=(kind, port, messages, theirs))
    other.start()
    best = float("inf")
    for _ in range(ROUNDS):
        spent = uvloop.run(echo_for(kind, port, messages, ours))
        ours.recv()
        best = min(best, spent)
    other.join()
    return best / messages * 1e6


async def locate_now(calls: int) -> float:
    """CPU-µs for a name with NAPTR, two weighted SRV and their addresses, all in memory."""
    zone = """
        @         NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp
        _sip._udp SRV 10 60 5060 one
        _sip._udp SRV 10 40 5060 two
        one       A 192.0.2.1
        two       A 192.0.2.2
        """
    async with DnsServer(Zones({"bench.test": zone})) as server:
        locator = Locator(ProxySettings(database_url="", dns_servers=(server.address,)))
        uri = SipUri(b"sip", b"bob", b"bench.test")
        await locator.locate(uri, now=0.0)
        begin = time.process_time()
        for _ in range(calls):
            locator.locate_now(uri, now=0.0)
        return (time.process_time() - begin) / calls * 1e6


def main() -> None:
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"CPU-us for one message in and one out, best of {ROUNDS} rounds of {messages}:")
    for kind in ("socket", "listener", "udp", "tcp"):
        print(f"{measure(kind, messages):7.2f}   {kind}")
    print(f"{uvloop.run(locate_now(messages)):7.2f}   locate_now (CPU-us a call)")


if __name__ == "__main__":
    main()
