"""The talk's real calls with `nat_alias_contact` on: each header that the slides show, and their
descriptions by way of our relay's own code."""

from __future__ import annotations

from collections.abc import Iterable

from media.call import Call as RelayCall
from media.ng import Answer, Command, Document, Offer
from media.security import Means
from proxy.directory.model import Domain
from proxy.locate.hop import Hop
from proxy.sip.message import Request, Response
from tests.harness.builders import ack_of
from tests.harness.media import IDENTITY
from tests.harness.media import Pairs as Ports
from tests.harness.network import PROXY4

from . import talk
from .world import FakeRelay, FakeRelays, World, deletes

UPHREAK = Domain(9, 1, b"acme", b"uphreak.com", nat_alias_contact=True, media_policy="always")
Pairs = Iterable[tuple[bytes, bytes]]


class Relays(FakeRelays):
    """One relay, which makes its descriptions by our relay's own code; it is at 203.0.113.9."""

    def __init__(self) -> None:
        super().__init__(b"r1")
        self._call = RelayCall(talk.CALL_ID, Means(IDENTITY.fingerprint, bytes), wall=5.0)
        self._ports = Ports()

    async def request(self, relay: FakeRelay, command: Command) -> Document:
        answer = await super().request(relay, command)
        if isinstance(command, Offer):
            made = self._call.offer(command, self._ports, wall=5.0, now=0.0)
        elif isinstance(command, Answer):
            made = self._call.answer(command, self._ports, wall=5.0, now=0.0)
        else:
            return answer
        return {**answer, b"sdp": made.sdp}


def relayed(description: bytes, port: int) -> list[bytes]:
    """A description of the slides as it is with the relay's address, line by line. What a slide has
    besides, a=rtcp of the port above, is proxy3's doing, and says no more than its absence."""
    made = []
    for line in description.splitlines():
        kind, _, value = line.partition(b"=")
        if kind == b"o":
            value = b" ".join((*value.split()[:-1], b"203.0.113.9"))
        elif kind == b"c":
            value = b"IN IP4 203.0.113.9"
        elif kind == b"m":
            name, _, rest = value.split(b" ", 2)
            value = b"%b %d %b" % (name, port, rest)
        made.append(kind + b"=" + value)
    return made


class Call:
    """One of the two calls, up to where the INVITE stands at proxy2."""

    def __init__(self, slides: talk.Slides = talk.SHOWN) -> None:
        self.slides = slides
        self.world = World(UPHREAK)
        self.world.relays = Relays()
        self.world.node.relays = self.world.relays  # type: ignore[assignment]
        self.world.add_user(b"eric@uphreak.com", UPHREAK)
        self.world.air.zones[b"junctionnetworks.com"] = [Hop("udp", *talk.PROXY2)]
        self.phone = self.world.phone(b"eric@uphreak.com", *talk.PHONE)
        self.proxy2 = self.world.phone(b"proxy2@junctionnetworks.com", *talk.PROXY2)
        self.invite = self._invites()
        self.at_proxy2 = self.proxy2.take_request(b"INVITE")

    def _invites(self) -> Request:
        cseq = self.slides.cseq
        first = request_of(b"INVITE", talk.INVITE_URI, self.slides.invite, talk.OFFER)
        first.headers.set(b"cseq", b"%d INVITE" % (cseq - 1))
        self.phone.send(first)
        challenge = self.phone.take_response(407)
        self.phone.send(ack_of(first, challenge))
        again = self.phone.signs(first, challenge)
        again.headers.set(b"cseq", b"%d INVITE" % cseq)
        self.phone.send(again)
        self.phone.take_response(100)
        return again

    def answers(self) -> Response:
        """proxy2 hands us the 200; as it is at the phone."""
        answer = Response(200, b"OK")
        for via in self.at_proxy2.headers.values(b"via"):
            answer.headers.append(b"via", via)
        ours = self.at_proxy2.headers.values(b"record-route")
        for route in (*self.slides.routes_behind_us, *ours):
            answer.headers.append(b"record-route", route)
        for pair in self.slides.kept_in_200:
            answer.headers.append(*pair)
        answer.body = talk.ANSWER
        self.proxy2.send(answer)
        return self.phone.take_response(200)


def request_of(method: bytes, uri: bytes, headers: Pairs, body: bytes = b"") -> Request:
    return Request(method, uri, list(headers), body)


def values(message: Request | Response, kept: Pairs) -> list[tuple[bytes, bytes]]:
    """What a message has for the names of `kept`."""
    return [(name, value) for name, _ in kept for value in message.headers.all(name)]


def own_entries(message: Request | Response) -> list[bytes]:
    """Host and lr of our Record-Routes: without the sealed token."""
    entries = [
        entry for entry in message.headers.values(b"record-route") if PROXY4.encode() in entry
    ]
    return [b"<sip:*@" + entry.partition(b"@")[2] for entry in entries]


def content_length(message: Request | Response) -> int:
    """As it stands on the wire."""
    [written] = message.headers.all(b"content-length")
    return int(written)


def test_invite_leaves_us_as_on_the_slide() -> None:
    call = Call()
    came = call.at_proxy2
    assert came.uri_raw == talk.INVITE_URI
    assert values(came, call.slides.kept_in_invite) == list(call.slides.kept_in_invite)
    assert came.headers.values(b"contact") == [talk.CONTACT_AFTER_US]
    assert came.max_forwards == 69  # 67 behind the third proxy
    assert own_entries(came) == [b"<sip:*@198.51.100.1:5060;lr>"] * 2
    ours, phones = came.vias
    assert (ours.host, ours.port, ours.transport) == (PROXY4.encode(), 5060, b"UDP")
    assert (ours.branch or b"").startswith(b"z9hG4bK")
    assert (phones.host, phones.port) == (b"10.1.10.29", 38718)
    assert phones.param(b"received") == b"50.198.204.238"
    assert phones.param(b"rport") == b"38718"
    assert not came.headers.has(b"proxy-authorization")
    [offer] = call.world.relays[0].taken(Offer)
    assert offer.sdp == talk.OFFER
    assert came.body.splitlines() == relayed(talk.OFFER, 24002)
    assert content_length(came) == len(came.body)  # the slide's is that of the phone's own body


def test_200_comes_back_as_on_the_slide() -> None:
    call = Call()
    got = call.answers()
    assert values(got, call.slides.kept_in_200) == list(call.slides.kept_in_200)
    routes = got.headers.values(b"record-route")
    assert routes[:2] == list(call.slides.routes_behind_us)
    assert own_entries(got) == [b"<sip:*@198.51.100.1:5060;lr>"] * 2
    [via] = got.vias
    assert via.branch == call.invite.via.branch
    [answer] = call.world.relays[0].taken(Answer)
    assert answer.sdp == talk.ANSWER
    assert got.body.splitlines() == relayed(talk.ANSWER, 24000)
    assert content_length(got) == len(got.body)


async def test_bye_follows_its_route_set() -> None:
    """With the slide's own tags, CSeq and Routes; ours alone is another one."""
    call = Call(talk.OF_BYE)
    routes = tuple(reversed(call.answers().headers.values(b"record-route")))
    bye = request_of(
        b"BYE",
        talk.BYE_URI,
        [
            (b"via", talk.BYE_VIA),
            (b"max-forwards", b"70"),
            *talk.KEPT_IN_BYE,
            *((b"route", route) for route in routes),
        ],
    )
    call.phone.send(bye)
    came = call.proxy2.take_request(b"BYE")
    assert came.uri_raw == talk.BYE_URI
    assert values(came, talk.KEPT_IN_BYE) == list(talk.KEPT_IN_BYE)
    assert came.headers.values(b"route") == list(reversed(call.slides.routes_behind_us))
    assert content_length(came) == 0
    assert came.max_forwards == 69
    ours, phones = came.vias
    assert (ours.host, ours.port) == (PROXY4.encode(), 5060)
    assert phones.serialise().startswith(b"SIP/2.0/UDP 10.1.10.29:38718;")
    assert phones.param(b"received") == b"50.198.204.238"
    assert phones.param(b"rport") == b"38718"
    await call.world.settled()
    assert len(deletes(call.world.relays[0])) == 1


async def test_bye_from_the_other_side_reaches_the_phone_behind_its_nat() -> None:
    """By the alias that it was told as Contact; the phone sees its own address again."""
    call = Call()
    got = call.answers()
    ours = call.at_proxy2.headers.values(b"record-route")
    bye = request_of(
        b"BYE",
        b"sip:eric@50.198.204.238:38718;nat=yes",
        [
            (b"via", b"SIP/2.0/UDP 199.7.173.102:5060;branch=z9hG4bK0f9d.889da69.9"),
            (b"max-forwards", b"68"),
            (b"from", got.headers.first(b"to") or b""),
            (b"to", call.slides.from_),
            (b"call-id", got.call_id),
            (b"cseq", b"1 BYE"),
            *((b"route", route) for route in ours),
        ],
    )
    call.proxy2.send(bye)
    came = call.phone.take_request(b"BYE")
    assert came.uri_raw == b"sip:eric@50.198.204.238:38718"
    assert not came.headers.has(b"route")
