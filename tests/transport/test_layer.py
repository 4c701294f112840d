"""The whole layer on real sockets: IPv4 and IPv6, both event loops, UDP, TCP and TLS."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from proxy.locate.hop import Hop
from proxy.settings import ProxySettings
from proxy.sip.codec import parse
from proxy.sip.message import Request, Response
from proxy.transport.flow import Flow, FlowFailed
from proxy.transport.layer import TransportLayer
from proxy.transport.listening import ListenFailed
from tests.harness.processes import free_port

from .conftest import OpenOffice
from .peers import Office, StreamPhone, UdpPhone, common_name, options, soon

Connect = Callable[..., Awaitable[StreamPhone]]

STREAMS = pytest.mark.parametrize("protocol", ["tcp", "tls"])
STUN = b"\x00\x01\x00\x00" + bytes.fromhex("2112a442") + b"transaction!"


def reply(message: Request | Response) -> bytes:
    return b"SIP/2.0 200 OK\r\nCall-ID: " + message.call_id + b"\r\nContent-Length: 0\r\n\r\n"


def hop_to(protocol: str, address: tuple[str, int]) -> Hop:
    return Hop(protocol, *address, "node.test" if protocol == "tls" else None)


# -- listening


async def test_listeners(office: Office, host: str) -> None:
    assert [(one.protocol, one.local) for one in office.layer.listeners] == [
        (protocol, office.address(protocol)) for protocol in ("udp", "tcp", "tls")
    ]
    shown = f"[{host}]".encode() if ":" in host else host.encode()
    assert {one.host for one in office.layer.listeners} == {shown}
    assert office.layer.is_own(shown, office.settings.port)


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
async def test_protocols_that_are_off(open_office: OpenOffice, protocol: str) -> None:
    office = await open_office(**{protocol: False})
    assert protocol not in {one.protocol for one in office.layer.listeners}
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    family = socket.AF_INET6 if ":" in office.host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(office.address(protocol))


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
async def test_port_in_use(host: str, folder: Path, tmp_path: Path, protocol: str) -> None:
    office = Office(host, folder, gateway=str(tmp_path / "g"))
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as holder:
        holder.bind(office.address(protocol))
        if protocol != "udp":
            holder.listen()
        with pytest.raises(ListenFailed) as caught:
            await office.layer.start()
        port = office.address(protocol)[1]
        assert str(caught.value) == (
            f"Cannot listen on {host} port {port} for {protocol.upper()}: Address already in use."
        )
    # nothing is left half open: the same office opens now
    again = Office(host, folder, gateway=str(tmp_path / "g"), port=office.settings.port)
    await again.layer.start()
    again.layer.close()


async def test_address_of_another_machine(folder: Path) -> None:
    office = Office("127.0.0.1", folder, addresses=("192.0.2.1",))
    with pytest.raises(ListenFailed, match=r"192\.0\.2\.1 .* Cannot assign requested address"):
        await office.layer.start()


@pytest.mark.parametrize(
    ("addresses", "said"),
    [(("nonsense",), "'nonsense' is no IP address"), ((), "no address to listen on")],
)
async def test_no_address(folder: Path, addresses: tuple[str, ...], said: str) -> None:
    office = Office("127.0.0.1", folder, addresses=addresses)
    with pytest.raises(ListenFailed, match=said):
        await office.layer.start()


async def test_nothing_is_open_after_close(office: Office, host: str) -> None:
    office.layer.close()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for protocol, kind in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)):
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(office.address(protocol))


# -- UDP


async def test_datagram_and_answer(office: Office, udp_phone: UdpPhone) -> None:
    udp_phone.send(options(), office.address("udp"))
    message, flow = await office.next()
    assert isinstance(message, Request)
    assert message.via.param(b"received") == udp_phone.address[0].encode() or (
        udp_phone.address[0] == "127.0.0.1"
    )
    assert flow == Flow("udp", office.address("udp"), udp_phone.address)
    destination = office.layer.reply_flow(message.via.with_param(b"rport", b""), flow)
    assert isinstance(destination, Flow)
    office.layer.send(reply(message), flow)
    assert await udp_phone.receive() == (reply(message), office.address("udp"))


async def test_same_source_is_the_same_flow(office: Office, udp_phone: UdpPhone) -> None:
    for number in range(3):
        udp_phone.send(options(str(number)), office.address("udp"))
    flows = [(await office.next())[1] for _ in range(3)]
    assert flows[0] is flows[1] is flows[2]
    hop = Hop("udp", *udp_phone.address)
    assert office.layer.flow_for_hop(hop) == flows[0]


async def test_burst_arrives_in_order(office: Office, udp_phone: UdpPhone) -> None:
    for number in range(300):
        udp_phone.send(options(str(number)), office.address("udp"))
    call_ids = [(await office.next())[0].call_id for _ in range(300)]
    assert call_ids == [str(number).encode() for number in range(300)]


async def test_a_burst_delays_nobody_but_its_sender(office: Office, udp_phone: UdpPhone) -> None:
    if office.host != "127.0.0.1":
        return  # there is one loopback address of IPv6
    other = UdpPhone("127.0.0.2")
    try:
        for number in range(200):
            udp_phone.send(options(f"burst {number}"), office.address("udp"))
        other.send(options("other"), office.address("udp"))
        came = [(await office.next())[0].call_id for _ in range(201)]
    finally:
        other.close()
    assert came[:3] == [b"burst 0", b"other", b"burst 1"]
    assert came[2:] == [b"burst %d" % number for number in range(1, 200)]


async def test_large_datagram(office: Office, udp_phone: UdpPhone) -> None:
    udp_phone.send(options(body=b"x" * 50_000), office.address("udp"))
    message, flow = await office.next()
    assert len(message.body) == 50_000
    office.layer.send(b"y" * 60_000, flow)
    assert len((await udp_phone.receive())[0]) == 60_000


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\r\n", b"\0\0\0\0", b"\0", b"\x01rubbish", STUN[:-1], b"\n\n"]
)
async def test_keep_alives_and_rubbish_are_taken_silently(
    office: Office, udp_phone: UdpPhone, data: bytes
) -> None:
    udp_phone.send(data, office.address("udp"))
    udp_phone.send(options(), office.address("udp"))
    await office.next()
    assert office.layer.malformed == 0


async def test_leading_line_ends_are_passed_over(office: Office, udp_phone: UdpPhone) -> None:
    udp_phone.send(b"\r\n\r\n" + options(), office.address("udp"))
    assert (await office.next())[0].call_id == b"1"


async def test_stun_is_answered(office: Office, udp_phone: UdpPhone) -> None:
    udp_phone.send(STUN, office.address("udp"))
    answer, source = await udp_phone.receive()
    assert source == office.address("udp")
    assert answer[:2] == b"\x01\x01"
    assert answer[8:20] == STUN[8:]
    assert int.from_bytes(answer[26:28], "big") ^ 0x2112 == udp_phone.address[1]
    assert office.came.empty()


async def test_nobody_is_there(office: Office, udp_phone: UdpPhone, host: str) -> None:
    """ICMP names the request by its branch, and the socket goes on hearing others."""
    gone = UdpPhone(host)
    gone.close()
    flow = office.layer.flow_for_hop(Hop("udp", *gone.address))
    assert flow is not None
    request = options(via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours;x=y")
    office.layer.send(request, flow)
    assert await soon(office.undelivered.get()) == b"z9hG4bKours"
    for number in range(3):
        office.layer.send(request, flow)
        udp_phone.send(options(str(number)), office.address("udp"))
        assert (await office.next())[0].call_id == str(number).encode()
    office.layer.send(reply(parse(options())), flow)  # a response has no branch of ours
    udp_phone.send(options("last"), office.address("udp"))
    assert (await office.next())[0].call_id == b"last"


async def test_error_of_one_is_not_the_error_of_another(
    office: Office, udp_phone: UdpPhone, host: str
) -> None:
    gone = UdpPhone(host)
    gone.close()
    dead, alive = (
        office.layer.flow_for_hop(Hop("udp", *address))
        for address in (gone.address, udp_phone.address)
    )
    assert dead is not None
    assert alive is not None
    for number in range(20):
        office.layer.send(options(), dead)
        office.layer.send(b"%d" % number, alive)
    assert [(await udp_phone.receive())[0] for _ in range(20)] == [
        b"%d" % number for number in range(20)
    ]


async def test_address_that_cannot_be_reached(office: Office, host: str) -> None:
    other_family = "192.0.2.1" if ":" in host else "2001:db8::1"
    with pytest.raises(FlowFailed):
        office.layer.flow_for_hop(Hop("udp", other_family, 5060))
    listener = office.address("udp")
    for remote in ((other_family, 5060), (host, 0), (host, 99999)):
        with pytest.raises(FlowFailed):
            office.layer.send(options(), Flow("udp", listener, remote))
    with pytest.raises(FlowFailed):
        office.layer.send(options(), Flow("udp", ("203.0.113.1", 5060), ("192.0.2.1", 5060)))
    with pytest.raises(FlowFailed):
        office.layer.send(b"x" * 70_000, Flow("udp", listener, listener))


# -- connections


@STREAMS
async def test_message_and_answer(office: Office, connect: Connect, protocol: str) -> None:
    phone = await connect(office, protocol)
    phone.send(options())
    message, flow = await office.next()
    assert flow == Flow(protocol, office.address(protocol), phone.address, flow.connection_id)
    assert flow.connection_id > 0
    assert office.layer.reply_flow(message.via, flow) is flow
    office.layer.send(reply(message), flow)
    assert await phone.head() == reply(message)
    assert office.layer.live_flow(Flow(protocol, ("", 0), ("", 0), flow.connection_id)) == flow


@STREAMS
async def test_messages_in_pieces(office: Office, connect: Connect, protocol: str) -> None:
    phone = await connect(office, protocol)
    data = options("1", body=b"x" * 100) + options("2") + b"\r\n" + options("3")
    for at in range(0, len(data), 7):
        phone.send(data[at : at + 7])
        await phone.writer.drain()
    assert [(await office.next())[0].call_id for _ in range(3)] == [b"1", b"2", b"3"]


@STREAMS
async def test_ping_gets_its_pong(office: Office, connect: Connect, protocol: str) -> None:
    phone = await connect(office, protocol)
    phone.send(b"\r\n\r\n")
    assert await phone.receive(2) == b"\r\n"
    assert office.came.empty()


@STREAMS
async def test_end_is_told(office: Office, connect: Connect, protocol: str) -> None:
    phone = await connect(office, protocol)
    phone.send(options())
    _, flow = await office.next()
    assert office.layer.flow_count == 1
    await phone.close()
    assert await soon(office.closed.get()) == flow
    assert office.layer.flow_count == 0
    assert office.layer.live_flow(flow) is None
    with pytest.raises(FlowFailed):
        office.layer.send(options(), flow)


async def test_answer_after_the_end_goes_to_the_sent_by_port(
    office: Office, connect: Connect
) -> None:
    phone = await connect(office, "tcp")
    phone.send(options(via="SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bK1"))
    message, flow = await office.next()
    await phone.close()
    await soon(office.closed.get())
    assert office.layer.reply_flow(message.via, flow) == Hop("tcp", phone.address[0], 5070)


@STREAMS
async def test_opened_once_for_all(office: Office, open_office: OpenOffice, protocol: str) -> None:
    far = await open_office()
    hop = hop_to(protocol, far.address(protocol))
    assert office.layer.flow_for_hop(hop) is None
    flows = await asyncio.gather(*[office.layer.open(hop, now=0.0) for _ in range(10)])
    assert len(set(flows)) == 1
    assert office.layer.flow_for_hop(hop) == flows[0]
    assert await office.layer.open(hop, now=0.0) == flows[0]
    office.layer.send(options(), flows[0])
    _, flow = await far.next()
    assert far.layer.flow_count == 1
    far.layer.send(options("back"), flow)  # and the far side may use it too
    assert (await office.next())[0].call_id == b"back"
    assert office.layer.advertised(flows[0]) == (
        office.layer.listeners[0].host,
        office.address(protocol)[1],
    )


@STREAMS
async def test_who_stops_waiting_takes_nobody_along(
    office: Office, open_office: OpenOffice, protocol: str
) -> None:
    hop = hop_to(protocol, (await open_office()).address(protocol))
    one, two = (asyncio.create_task(office.layer.open(hop, now=0.0)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    assert (await soon(two)).protocol == protocol


@STREAMS
async def test_new_connection_is_another_flow(
    office: Office, open_office: OpenOffice, protocol: str
) -> None:
    far = await open_office()
    hop = hop_to(protocol, far.address(protocol))
    first = await office.layer.open(hop, now=0.0)
    office.layer.send(options(), first)
    _, theirs = await far.next()
    far.layer.close()
    assert await soon(office.closed.get()) == first
    assert office.layer.flow_for_hop(hop) is None
    assert await soon(far.closed.get()) == theirs


async def test_nobody_listens(office: Office, host: str) -> None:
    for protocol in ("tcp", "tls"):
        with pytest.raises(FlowFailed):
            await office.layer.open(Hop(protocol, host, free_port(host), "x.test"), now=0.0)
    for protocol in ("ws", "wss", "sctp"):
        with pytest.raises(FlowFailed, match="cannot be opened"):
            await office.layer.open(Hop(protocol, host, 9), now=0.0)
    with pytest.raises(FlowFailed):
        await office.layer.open(Hop("tcp", host, 99999), now=0.0)


async def test_far_side_speaks_no_tls(office: Office, open_office: OpenOffice) -> None:
    far = await open_office()
    with pytest.raises(FlowFailed):
        await office.layer.open(Hop("tls", *far.address("tcp"), "x.test"), now=0.0)


async def test_connections_by_certificate_name_are_apart(
    office: Office, open_office: OpenOffice
) -> None:
    far = await open_office()
    flows = [
        await office.layer.open(Hop("tls", *far.address("tls"), name), now=0.0)
        for name in ("a.test", "b.test", "a.test")
    ]
    assert flows[0] == flows[2] != flows[1]


# -- limits


@STREAMS
async def test_too_many_connections(
    open_office: OpenOffice, connect: Connect, protocol: str
) -> None:
    office = await open_office(max_connections=2)
    phones = [await connect(office, protocol) for _ in range(2)]
    for phone in phones:
        phone.send(options())
        await office.next()
    assert await (await connect(office, protocol)).ended() == b""
    await phones[0].close()
    await soon(office.closed.get())
    phone = await connect(office, protocol)
    phone.send(options("again"))
    assert (await office.next())[0].call_id == b"again"


async def test_too_many_from_one_source(open_office: OpenOffice, connect: Connect) -> None:
    office = await open_office(max_connections_per_source=1)
    phone = await connect(office, "tcp")
    phone.send(options())
    await office.next()
    assert await (await connect(office, "tcp")).ended() == b""


async def test_trusted_source_may_have_more(
    open_office: OpenOffice, connect: Connect, host: str
) -> None:
    settings = ProxySettings.from_env(
        {"DATABASE_URL": "postgresql://unused", "FEDSIP_SIP_TRUSTED_SOURCES": host}
    )
    office = await open_office(
        max_connections_per_source=1, trusted_sources=settings.trusted_sources
    )
    for _ in range(3):
        (await connect(office, "tcp")).send(options())
        await office.next()


async def test_our_own_connections_are_not_counted_out(
    open_office: OpenOffice, connect: Connect
) -> None:
    far = await open_office()
    office = await open_office(max_connections=1)
    (await connect(office, "tcp")).send(options())
    await office.next()
    await office.layer.open(Hop("tcp", *far.address("tcp")), now=0.0)


async def test_message_above_the_limit_is_refused_and_the_connection_closed(
    open_office: OpenOffice, connect: Connect
) -> None:
    office = await open_office(max_message=1000)
    phone = await connect(office, "tcp")
    phone.send(options(body=b"x" * 1000))
    answer = parse(await phone.ended())
    assert isinstance(answer, Response)
    assert answer.status == 413
    assert answer.call_id == b"1"
    assert office.layer.malformed == 1
    assert (await soon(office.closed.get())).protocol == "tcp"


async def test_stream_without_lengths_is_refused(office: Office, connect: Connect) -> None:
    phone = await connect(office, "tcp")
    phone.send(options().replace(b"Content-Length: 0\r\n", b""))
    answer = parse(await phone.ended())
    assert isinstance(answer, Response)
    assert answer.status == 400


async def test_http_is_hung_up_on(office: Office, connect: Connect) -> None:
    phone = await connect(office, "tcp")
    phone.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert await phone.ended() == b""


async def test_slow_reader_is_closed(office: Office, connect: Connect) -> None:
    phone = await connect(office, "tcp")
    phone.send(options())
    _, flow = await office.next()
    phone.writer.transport.pause_reading()  # type: ignore[attr-defined]
    data = b"x" * 65_000

    def write_for_ever() -> None:
        for _ in range(10_000):
            office.layer.send(data, flow)

    with pytest.raises(FlowFailed, match="does not read"):
        write_for_ever()
    assert await soon(office.closed.get()) == flow


# -- what cannot be parsed


async def test_malformed_request_is_answered(office: Office, udp_phone: UdpPhone) -> None:
    via = f"SIP/2.0/UDP {'[::1]' if ':' in office.host else '127.0.0.1'}:9;rport;branch=z9hG4bK1"
    request = options(via=via).replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS")
    udp_phone.send(request, office.address("udp"))
    answer = parse((await udp_phone.receive())[0])
    assert isinstance(answer, Response)
    assert answer.status == 400
    assert answer.via.branch == b"z9hG4bK1"
    assert answer.via.param(b"rport") == str(udp_phone.address[1]).encode()
    assert answer.to_tag
    assert office.layer.malformed == 1
    assert office.came.empty()


async def test_answer_to_rubbish_goes_nowhere_else(office: Office, udp_phone: UdpPhone) -> None:
    """A Via that names a third address does not send it our answer."""
    victim = UdpPhone(office.host)
    shown = f"[{victim.address[0]}]" if ":" in office.host else victim.address[0]
    via = f"SIP/2.0/UDP 192.0.2.1;received={victim.address[0]};maddr={shown};branch=z9hG4bK1"
    request = options(via=f"{via};rport").replace(b"CSeq: 1 OPTIONS", b"CSeq: x OPTIONS")
    udp_phone.send(request, office.address("udp"))
    answer = parse((await udp_phone.receive())[0])
    assert answer.via.param(b"received") == udp_phone.address[0].encode()
    victim.close()


@pytest.mark.parametrize(
    "data",
    [
        b"rubbish\r\n\r\n",
        b"ACK" + options()[7:].replace(b"1 OPTIONS", b"x ACK"),
        b"SIP/2.0 999 What\r\n\r\n",
        options().replace(b"Via:", b"X:"),
        b"\xff" * 100,
    ],
)
async def test_what_cannot_be_answered_is_dropped(
    office: Office, udp_phone: UdpPhone, data: bytes
) -> None:
    udp_phone.send(data, office.address("udp"))
    udp_phone.send(options("good"), office.address("udp"))
    assert (await office.next())[0].call_id == b"good"
    assert office.layer.malformed == 1
    udp_phone.send(STUN, office.address("udp"))
    assert (await udp_phone.receive())[0][:2] == b"\x01\x01"  # and nothing came before it


async def test_rubbish_is_told_once_a_minute(
    office: Office, udp_phone: UdpPhone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(20):
        udp_phone.send(b"rubbish\r\n\r\n", office.address("udp"))
    udp_phone.send(options(), office.address("udp"))
    await office.next()
    assert office.layer.malformed == 20
    assert [line.message for line in caplog.records if "malformed" in line.message] == [
        f"malformed source={udp_phone.address[0]} reason=no start line"
    ]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_error_in_the_core_ends_nothing(
    office: Office,
    udp_phone: UdpPhone,
    connect: Connect,
    protocol: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(message: Request | Response, flow: Flow) -> None:
        office.on_message = None
        raise RuntimeError("a mistake of ours")

    office.on_message = fail
    if protocol == "udp":
        for number in range(2):
            udp_phone.send(options(str(number)), office.address("udp"))
    else:
        (await connect(office, "tcp")).send(options("0") + options("1"))
    assert (await office.next())[0].call_id == b"1"
    assert "a mistake of ours" in caplog.text


# -- keep-alive


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
async def test_flow_is_kept_alive(
    open_office: OpenOffice, udp_phone: UdpPhone, connect: Connect, protocol: str
) -> None:
    office = await open_office(nat_ping_seconds=0.05)
    if protocol == "udp":
        udp_phone.send(options(), office.address("udp"))
        _, flow = await office.next()
        office.layer.keep_alive(flow, on=True)
        assert [await udp_phone.receive() for _ in range(2)] == [
            (b"\0\0\0\0", office.address("udp"))
        ] * 2
        return
    phone = await connect(office, protocol)
    phone.send(options())
    _, flow = await office.next()
    office.layer.keep_alive(flow, on=True)
    for _ in range(3):
        assert await phone.receive(4) == b"\r\n\r\n"
        phone.send(b"\r\n")


async def test_silence_after_a_pong_ends_the_connection(
    open_office: OpenOffice, connect: Connect
) -> None:
    office = await open_office(nat_ping_seconds=0.05)
    phone = await connect(office, "tcp")
    phone.send(options())
    _, flow = await office.next()
    office.layer.keep_alive(flow, on=True)
    assert await phone.receive(4) == b"\r\n\r\n"
    phone.send(b"\r\n")
    assert await soon(office.closed.get()) == flow


async def test_far_side_that_never_answers_pings_is_left_alone(
    open_office: OpenOffice, connect: Connect
) -> None:
    office = await open_office(nat_ping_seconds=0.05)
    phone = await connect(office, "tcp")
    phone.send(options())
    _, flow = await office.next()
    office.layer.keep_alive(flow, on=True)
    for _ in range(3):
        assert await phone.receive(4) == b"\r\n\r\n"
    assert office.closed.empty()


# -- certificates


async def test_certificate_by_name(office: Office, connect: Connect) -> None:
    for name, shown in (("hosted.test", "hosted.test"), ("other.test", "node.test")):
        phone = await connect(office, "tls", name)
        assert common_name(phone.certificate) == shown


# -- the same object all the time


def test_needs_a_running_loop(folder: Path) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        TransportLayer(
            ProxySettings(database_url="unused"),
            on_message=lambda message, flow, now: None,
            on_flow_closed=lambda flow: None,
            tls=None,
        )


async def test_two_listeners_of_one_family(folder: Path, ends: AsyncExitStack) -> None:
    """The kernel's choice decides from which address a hop is reached."""
    office = Office("127.0.0.1", folder, addresses=("127.0.0.2", "127.0.0.1"), gateway="")
    ends.callback(office.layer.close)
    await office.layer.start()
    far = UdpPhone("127.0.0.3")
    flow = office.layer.flow_for_hop(Hop("udp", *far.address))
    assert flow is not None
    assert flow.local[0] == "127.0.0.1"
    far.send(options(), ("127.0.0.2", office.settings.port))
    _, arrived = await office.next()
    assert arrived.local[0] == "127.0.0.2"
    office.layer.send(b"back", arrived)
    assert (await far.receive())[1][0] == "127.0.0.2"
    far.close()


def test_errors_have_the_systems_numbers() -> None:
    """The text of a failed listener is the system's."""
    assert errno.EADDRINUSE == 98
