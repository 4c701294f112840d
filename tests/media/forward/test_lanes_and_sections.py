"""Both engines on real sockets: many sides on one port, and many sections of one side on one."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from media.forward.engine import Counters
from media.forward.native import NativeEngine
from media.forward.rule import Address, ForwardRule, lane
from media.ice import stun
from media.rtp import extension, packet
from media.srtp.context import Context, protecting, unprotecting
from media.srtp.suite import AEAD_AES_128_GCM
from tests.media.forward.conftest import Made
from tests.media.forward.test_engines import HOSTS, NOWHERE, Street, address_of, happens, heard

SOUND, PICTURES = 0, 1
OPUS, VP8, RETRANSMISSION = 111, 96, 97
NAMES = 4
"""Number of the header extension that names sections."""
KEYS = [os.urandom(AEAD_AES_128_GCM.master_bytes) for _ in range(2)]


def rtp(number: int, *, payload_type: int = OPUS, ssrc: int = 7, payload: bytes = b"x") -> bytes:
    return packet.build(
        payload_type=payload_type,
        sequence_number=number,
        rtp_timestamp=160 * number,
        ssrc=ssrc,
        payload=payload,
    )


def report(sender: int, about: int = 0) -> bytes:
    """A receiver report."""
    blocks = about.to_bytes(4, "big") + bytes(20) if about else b""
    head = bytes((0x80 + bool(about), 201)) + (1 + len(blocks) // 4).to_bytes(2, "big")
    return head + sender.to_bytes(4, "big") + blocks


def check(ufrag: bytes) -> bytes:
    user = (stun.USERNAME, ufrag + b":theirs")
    return stun.serialise(stun.Message(stun.BINDING_REQUEST, bytes(12), (user,)), key=b"k")


# -- many sides on one port


class Crossing(Street):
    """Browsers on one port: each is a lane, and has a phone at a port of its own."""

    def __init__(self, host: str, engine: Made, stack: ExitStack) -> None:
        super().__init__(host, engine, stack)
        with socket.socket(self.caller.family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
            self.shared = address_of(probe)
        self.engine.share(self.shared)
        self.lanes = [lane(*self.shared, number) for number in (1, 2)]
        for one in self.lanes:
            self.engine.open(one)
            stack.callback(self.engine.close, one)

    def talk(self, number: int, browser: Address, phone: Address, *, port: Address) -> None:
        """Rules between a browser on its lane and a phone at `port`."""
        local = self.lanes[number]
        inward = ForwardRule(
            local, browser, port, phone, port, phone, ufrag=b"lane%d" % number, is_managed=True
        )
        outward = ForwardRule(port, phone, local, browser, local, browser)
        self.engine.install([inward, outward])


@pytest.fixture(params=HOSTS)
async def crossing(request: pytest.FixtureRequest, engine: Made) -> AsyncIterator[Crossing]:
    with ExitStack() as stack:
        yield Crossing(request.param, engine, stack)


async def test_each_side_has_its_own(crossing: Crossing) -> None:
    phones, browsers = [crossing.phone(), crossing.phone()], [crossing.phone(), crossing.phone()]
    ports = [crossing.left, crossing.right]
    for number in range(2):
        crossing.talk(
            number, address_of(browsers[number]), address_of(phones[number]), port=ports[number]
        )
    for number in range(20):
        for which in range(2):
            said = rtp(number, ssrc=which)
            browsers[which].sendto(said, crossing.shared)
            assert await heard(phones[which]) == (said, ports[which])
            phones[which].sendto(said, ports[which])
            assert await heard(browsers[which]) == (said, crossing.shared)
    for which in range(2):
        counters = crossing.engine.counters(crossing.lanes[which])
        assert (counters.packets, counters.expected, counters.lost) == (20, 20, 0)
        assert counters.ssrc == which
    assert not crossing.strangers


async def test_a_burst_of_many_arrives_whole_and_in_order(crossing: Crossing) -> None:
    phone, browser = crossing.phone(), crossing.phone()
    crossing.talk(0, address_of(browser), address_of(phone), port=crossing.left)
    said = [rtp(number) for number in range(100)]
    for one in said:
        browser.sendto(one, crossing.shared)
    assert [(await heard(phone))[0] for _ in said] == said


async def test_checks_and_handshakes_are_told_by_their_lane(crossing: Crossing) -> None:
    phone, browser = crossing.phone(), crossing.phone()
    crossing.talk(0, ("192.0.2.9" if "." in crossing.host else "2001:db8::9", 9),
                  address_of(phone), port=crossing.left)  # fmt: skip
    here, local = address_of(browser), crossing.lanes[0]
    browser.sendto(b"\x16\xfe\xfd" + bytes(20), crossing.shared)  # of nobody yet
    browser.sendto(rtp(1), crossing.shared)
    browser.sendto(check(b"lane0"), crossing.shared)
    await happens(lambda: crossing.strangers)
    crossing.engine.expect(local, here)
    browser.sendto(b"\x16\xfe\xfd" + bytes(20), crossing.shared)
    await happens(lambda: len(crossing.strangers) == 2)
    assert [(where, said[:1], who) for where, said, who in crossing.strangers] == [
        (local, b"\x00", here),
        (local, b"\x16", here),
    ]
    crossing.talk(0, here, address_of(phone), port=crossing.left)
    browser.sendto(rtp(2), crossing.shared)
    assert (await heard(phone))[0] == rtp(2)
    browser.sendto(check(b"lane0"), crossing.shared)
    await happens(lambda: len(crossing.strangers) == 3)


async def test_a_lane_that_ends_hears_nothing_more(crossing: Crossing) -> None:
    phone, browser, other = crossing.phone(), crossing.phone(), crossing.phone()
    crossing.talk(0, address_of(browser), address_of(phone), port=crossing.left)
    crossing.talk(1, address_of(other), address_of(phone), port=crossing.right)
    browser.sendto(rtp(1), crossing.shared)
    await heard(phone)
    crossing.engine.close(crossing.lanes[0])
    browser.sendto(rtp(2), crossing.shared)
    other.sendto(rtp(3), crossing.shared)
    assert (await heard(phone))[0] == rtp(3)
    crossing.engine.open(crossing.lanes[0])
    crossing.talk(0, address_of(browser), address_of(phone), port=crossing.left)
    browser.sendto(rtp(4), crossing.shared)
    assert (await heard(phone))[0] == rtp(4)
    assert crossing.engine.packets(crossing.lanes[0]) == 1


async def test_a_shared_port_that_is_taken(crossing: Crossing) -> None:
    with pytest.raises(OSError, match=r"in use"):
        crossing.engine.share(address_of(crossing.caller))


# -- many sections on one port


class Bundle(Street):
    """A browser whose sound and pictures come to `left`, and go to a phone's two ports."""

    def __init__(self, host: str, engine: Made, stack: ExitStack) -> None:
        super().__init__(host, engine, stack)
        self.camera = self.phone()
        self.far = self.open()
        self.seal, self._open = (self._contexts(key) for key in KEYS)
        self.told: list[tuple[bytes, int]] = []

    def _report(self, local: Address, datagram: bytes, section: int) -> None:
        if local == self.left:
            self.told.append((datagram, section))

    @staticmethod
    def _contexts(key: bytes) -> tuple[Context, Context]:
        return protecting(AEAD_AES_128_GCM, key), unprotecting(AEAD_AES_128_GCM, key)

    def carry(self, *, has_pictures: bool = True, camera: Address | None = None) -> None:
        browser, phone = address_of(self.caller), address_of(self.callee)
        camera = camera or address_of(self.camera)
        sound = ForwardRule(
            self.left, browser, self.right, phone, self.right, phone,
            unprotect=self.seal[1], section=SOUND, clock_rates=((OPUS, 48_000),),
        )  # fmt: skip
        pictures = replace(
            sound, out=self.far, destination=camera, rtcp_out=self.far, rtcp_destination=camera,
            section=PICTURES, payload_types=(VP8, RETRANSMISSION), clock_rates=((VP8, 90_000),),
        )  # fmt: skip
        back = ForwardRule(
            self.right, phone, self.left, browser, self.left, browser,
            protect=self._open[0], rtcp_protect=self._open[0], section=SOUND,
        )  # fmt: skip
        self.engine.install(
            [
                replace(sound, others=(pictures,) if has_pictures else ()),
                back,
                replace(back, local=self.far, accepts=camera, section=PICTURES),
            ]
        )

    def says(self, said: bytes, *, is_rtcp: bool = False) -> None:
        seal = self.seal[0]
        self.caller.sendto(seal.rtcp(said) if is_rtcp else seal.rtp(said), self.left)

    async def hears(self, *, is_rtcp: bool = False) -> bytes:
        said, source = await heard(self.caller)
        assert source == self.left
        opened = self._open[1]
        return opened.rtcp(said) if is_rtcp else opened.rtp(said)

    def counters(self, section: int, local: Address | None = None) -> Counters:
        found: Counters = self.engine.counters(local or self.left, section)
        return found


@pytest.fixture(params=HOSTS)
async def bundle(request: pytest.FixtureRequest, engine: Made) -> AsyncIterator[Bundle]:
    with ExitStack() as stack:
        bundle = Bundle(request.param, engine, stack)
        bundle.carry()
        yield bundle


async def test_each_section_goes_its_way_and_is_counted(bundle: Bundle) -> None:
    for number in (1, 2, 3, 5):
        bundle.says(rtp(number))
        assert await heard(bundle.callee) == (rtp(number), bundle.right)
    for number in (100, 101, 104):
        said = rtp(number, payload_type=VP8, ssrc=8)
        bundle.says(said)
        assert await heard(bundle.camera) == (said, bundle.far)
    again = rtp(9, payload_type=RETRANSMISSION, ssrc=9)
    bundle.says(again)
    assert await heard(bundle.camera) == (again, bundle.far)
    sound, pictures = bundle.counters(SOUND), bundle.counters(PICTURES)
    assert (sound.packets, sound.expected, sound.lost, sound.ssrc) == (4, 5, 1, 7)
    assert (pictures.packets, pictures.expected, pictures.lost, pictures.ssrc) == (4, 5, 2, 8)
    assert sound.octets == 4 * (13 + 16)
    assert bundle.engine.packets(bundle.left) == 8
    assert bundle.counters(2) == Counters()


async def test_what_the_phone_says_goes_to_the_one_port(bundle: Bundle) -> None:
    for phone, port, section in ((bundle.callee, bundle.right, SOUND),
                                 (bundle.camera, bundle.far, PICTURES)):  # fmt: skip
        phone.sendto(rtp(1, ssrc=20 + section), port)
        assert await bundle.hears() == rtp(1, ssrc=20 + section)
        assert bundle.counters(section, port).ssrc == 20 + section


async def test_reports_go_by_who_sends_them_or_by_whom_they_are_about(bundle: Bundle) -> None:
    bundle.says(rtp(1))
    await heard(bundle.callee)
    bundle.says(rtp(1, payload_type=VP8, ssrc=8))
    await heard(bundle.camera)
    for number, (phone, port) in enumerate(
        ((bundle.callee, bundle.right), (bundle.camera, bundle.far))
    ):
        phone.sendto(rtp(1, ssrc=20 + number), port)
        await bundle.hears()
    ways = [
        (report(7), SOUND),
        (report(8), PICTURES),
        (report(1, about=20), SOUND),
        (report(1, about=21), PICTURES),
        (report(1, about=99), SOUND),
        (report(1), SOUND),
    ]
    for said, section in ways:
        bundle.says(said, is_rtcp=True)
        phone = bundle.camera if section else bundle.callee
        assert (await heard(phone))[0] == said
    await happens(lambda: len(bundle.told) == len(ways))
    assert bundle.told == ways
    bundle.camera.sendto(report(21, about=8), bundle.far)
    assert await bundle.hears(is_rtcp=True) == report(21, about=8)


class Cameras(Bundle):
    """A browser whose sound and two pictures come to `left`: the pictures have the same payload
    types, and their names. A phone has two ports for them, and knows no names."""

    def __init__(self, host: str, engine: Made, stack: ExitStack) -> None:
        super().__init__(host, engine, stack)
        self.second = self.phone()
        self.beyond = self.open()
        self.numbers = count(1)

    def carry(self, *, has_pictures: bool = True, camera: Address | None = None) -> None:
        browser, phone = address_of(self.caller), address_of(self.callee)
        sound = ForwardRule(
            self.left, browser, self.right, phone, self.right, phone,
            unprotect=self.seal[1], section=SOUND, mid=b"a", mid_extension=NAMES,
            payload_types=(OPUS,),
        )  # fmt: skip
        back = ForwardRule(
            self.right, phone, self.left, browser, self.left, browser,
            protect=self._open[0], rtcp_protect=self._open[0], section=SOUND,
        )  # fmt: skip
        pictures, backs = [], [back]
        for section, out, socket_ in ((1, self.far, self.camera), (2, self.beyond, self.second)):
            to, name = address_of(socket_), b"v%d" % section
            pictures.append(
                replace(
                    sound,
                    out=out,
                    destination=to,
                    rtcp_out=out,
                    rtcp_destination=to,
                    section=section,
                    payload_types=(VP8, 98 + section),
                    mid=name,
                    sources=(1000 + section,),
                )
            )
            backs.append(replace(back, local=out, accepts=to, section=section, names=(NAMES, name)))
        self.engine.install([replace(sound, others=tuple(pictures)), *backs])

    async def comes_out(self, said: bytes, *, is_rtcp: bool = False) -> list[int]:
        """Says a packet, then one of sound, which comes out last; in which sections it did."""
        self.says(said, is_rtcp=is_rtcp)
        last = rtp(next(self.numbers), ssrc=7)
        self.says(last)
        assert (await heard(self.callee))[0] == last
        ways = enumerate((self.camera, self.second), 1)
        return [section for section, phone in ways if _came(phone) == said]


def _came(phone: socket.socket) -> bytes:
    try:
        return phone.recv(65_535)
    except BlockingIOError:
        return b""


def picture(number: int, ssrc: int, name: bytes = b"", *, payload_type: int = VP8) -> bytes:
    said = rtp(number, payload_type=payload_type, ssrc=ssrc)
    return extension.put(said, NAMES, name) if name else said


@pytest.fixture(params=HOSTS)
async def cameras(request: pytest.FixtureRequest, engine: Made) -> AsyncIterator[Cameras]:
    with ExitStack() as stack:
        cameras = Cameras(request.param, engine, stack)
        cameras.carry()
        yield cameras


async def test_packets_go_by_name_by_source_and_by_payload_type(cameras: Cameras) -> None:
    """RFC 9143 s9.2, line by line."""
    ways = [
        (picture(1, 8), []),  # nothing says whose it is
        (picture(2, 8, b"v2"), [2]),
        (picture(3, 8), [2]),  # its source is known now
        (picture(5, 8, b"v3"), []),  # a name that nobody has
        (picture(6, 8, b"v1"), [1]),  # it was moved
        (picture(4, 8, b"v2"), [1]),  # late: older than what moved it (RFC 7941 s4.2.6)
        (picture(7, 8), [1]),
        (picture(60_000, 9, b"v2"), [2]),  # and numbers wrap around
        (picture(60_001, 9, b"v2"), [2]),
        (picture(5, 9, b"v1"), [1]),
        (picture(7, 1001), [1]),  # as its description said
        (picture(40_000, 1002), [2]),
        (picture(9, 10, payload_type=99), [1]),  # one section alone has it
        (picture(10, 10), [1]),
        (picture(9, 11, payload_type=100), [2]),
        (picture(40_001, 1002, b"v1"), [1]),
    ]
    for said, sections in ways:
        assert await cameras.comes_out(said) == sections, said
    assert cameras.counters(SOUND).errors == 2
    assert cameras.counters(1).packets == 8
    cameras.carry()
    assert await cameras.comes_out(picture(8, 9)) == [1]
    assert await cameras.comes_out(picture(40_002, 1002)) == [1]


async def test_more_sources_than_a_port_remembers(cameras: Cameras) -> None:
    for ssrc in range(2000, 2070):
        assert await cameras.comes_out(picture(1, ssrc, b"v2")) == [2]
    assert await cameras.comes_out(picture(2, 2069)) == [2]
    assert await cameras.comes_out(picture(2, 2001)) == []


async def test_feedback_goes_to_whom_it_is_about(cameras: Cameras) -> None:
    """Also where its sender is known to be of another section."""
    for section, phone, port in ((1, cameras.camera, cameras.far),
                                 (2, cameras.second, cameras.beyond)):  # fmt: skip
        phone.sendto(picture(1, 50 + section), port)
        assert await cameras.hears() == picture(1, 50 + section, b"v%d" % section)
    assert await cameras.comes_out(picture(1, 8, b"v1")) == [1]
    assert await cameras.comes_out(report(8, about=52), is_rtcp=True) == [2]
    assert await cameras.comes_out(report(8, about=51), is_rtcp=True) == [1]
    sender = b"\x80\xc8\x00\x06" + (8).to_bytes(4, "big") + (52).to_bytes(4, "big") + bytes(16)
    assert await cameras.comes_out(sender, is_rtcp=True) == [1]


async def test_names_are_put_into_what_has_none(cameras: Cameras) -> None:
    """In both forms of header extensions; one of another kind stays alone."""
    plain = rtp(1, payload_type=VP8, ssrc=51)
    head = bytes((0x90,)) + plain[1:12]
    ways = [
        (plain, b"\xbe\xde\x00\x01" + bytes((NAMES << 4 | 1,)) + b"v1\0"),
        (head + b"\xbe\xde\x00\x01\x10x\0\0" + plain[12:],
         b"\xbe\xde\x00\x02" + bytes((NAMES << 4 | 1,)) + b"v1\0\x10x\0\0"),
        (head + b"\x10\x00\x00\x00" + plain[12:], b"\x10\x00\x00\x01" + bytes((NAMES, 2)) + b"v1"),
        (head + b"\x12\x34\x00\x00" + plain[12:], b"\x12\x34\x00\x00"),
    ]  # fmt: skip
    for number, (said, block) in enumerate(ways):
        numbered = said[:2] + number.to_bytes(2, "big") + said[4:]
        cameras.camera.sendto(numbered, cameras.far)
        expected = head[:2] + number.to_bytes(2, "big") + head[4:] + block + plain[12:]
        assert await cameras.hears() == expected
    cameras.camera.sendto(report(51), cameras.far)
    assert await cameras.hears(is_rtcp=True) == report(51)


async def test_counts_outlive_another_rule(bundle: Bundle) -> None:
    said = rtp(1, payload_type=VP8, ssrc=8)
    for number in range(3):
        said = rtp(number, payload_type=VP8, ssrc=8)
        bundle.says(said)
        await heard(bundle.camera)
        bundle.carry()
    assert bundle.counters(PICTURES).expected == 3
    bundle.carry(has_pictures=False)
    said = rtp(3, payload_type=VP8, ssrc=8)
    bundle.says(said)
    assert (await heard(bundle.callee))[0] == said
    assert bundle.counters(PICTURES).packets == 3
    assert bundle.counters(SOUND).packets == 1
    bundle.carry()
    said = rtp(4, payload_type=VP8, ssrc=8)
    bundle.says(said)
    assert (await heard(bundle.camera))[0] == said
    assert bundle.counters(PICTURES).packets == 4


async def test_what_cannot_be_sent_on_of_a_section_is_an_error_of_the_port(bundle: Bundle) -> None:
    bundle.carry(camera=NOWHERE[bundle.host])
    bundle.says(rtp(1, payload_type=VP8, ssrc=8))
    bundle.says(rtp(1))
    await heard(bundle.callee)  # which came later, and so has been dealt with later
    assert bundle.counters(PICTURES).packets == 1
    assert bundle.counters(PICTURES).errors == bundle.counters(SOUND).errors == 1


async def test_what_is_forged_belongs_to_nobody(bundle: Bundle) -> None:
    bundle.caller.sendto(rtp(1, payload_type=VP8), bundle.left)
    bundle.says(rtp(1))
    await heard(bundle.callee)
    assert bundle.counters(PICTURES) == Counters(undecryptable=1)
    assert bundle.counters(SOUND).undecryptable == 1


# -- many threads


@pytest.mark.e2e
async def test_many_calls_on_many_threads(crossed: Callable[[int], Crossing]) -> None:
    """Packets of a call keep their order whichever thread has which of its ports."""
    crossing = crossed(4)
    pairs = [(crossing.phone(), crossing.phone()) for _ in range(12)]
    ports = [(crossing.open(), crossing.open()) for _ in pairs]
    key = os.urandom(AEAD_AES_128_GCM.master_bytes)
    for (one, other), (left, right) in zip(pairs, ports, strict=True):
        seal = protecting(AEAD_AES_128_GCM, key)
        crossing.engine.install(
            [
                ForwardRule(left, address_of(one), right, address_of(other), right, None,
                            protect=seal),
                ForwardRule(right, address_of(other), left, address_of(one), left, None,
                            unprotect=unprotecting(AEAD_AES_128_GCM, key)),
            ]
        )  # fmt: skip
    browsers = [crossing.phone() for _ in crossing.lanes]
    for number, browser in enumerate(browsers):
        other = pairs[number][1]
        crossing.talk(number, address_of(browser), address_of(other), port=ports[number][0])
    for start in range(0, 200, 20):
        for number in range(start, start + 20):
            for (one, _), (left, _) in zip(pairs[2:], ports[2:], strict=True):
                one.sendto(rtp(number), left)
            for browser in browsers:
                browser.sendto(rtp(number), crossing.shared)
        for (_, other), (_, right) in zip(pairs[2:], ports[2:], strict=True):
            opened = unprotecting(AEAD_AES_128_GCM, key)
            got = [opened.rtp((await heard(other))[0]) for _ in range(20)]
            assert got == [rtp(number) for number in range(start, start + 20)]
            other.sendto(protecting(AEAD_AES_128_GCM, key).rtp(rtp(start)), right)
        for one, _ in pairs[2:]:
            assert (await heard(one))[0] == rtp(start)
        for _, other in pairs[:2]:
            got = [(await heard(other))[0] for _ in range(20)]
            assert got == [rtp(number) for number in range(start, start + 20)]
        crossing.engine.close(crossing.right)
        crossing.engine.open(crossing.right)


@pytest.mark.e2e
async def test_more_than_a_thread_takes_at_once(crossed: Callable[[int], Crossing]) -> None:
    crossing = crossed(1)
    crossing.connect()
    port = crossing.engine._python.port(crossing.left)
    for one in (port.socket, crossing.callee):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    said = [rtp(number) for number in range(300)]
    with crossing.engine._threads.held(port):
        for one in said:
            crossing.caller.sendto(one, crossing.left)
    assert [(await heard(crossing.callee))[0] for _ in said] == said


@pytest.fixture
async def crossed(built: Path) -> AsyncIterator[Callable[[int], Crossing]]:
    with ExitStack() as stack:
        yield lambda threads: Crossing(
            HOSTS[0], partial(NativeEngine, folder=built, threads=threads), stack
        )
