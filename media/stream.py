"""One media section of one side: its local ports, its far ends, and how it forwards. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from media.endpoint import Endpoint
from media.forward.rule import Address, ForwardRule, lane
from media.ice import Agent, Credentials
from media.ng import Options
from media.reach import BY_DEFAULT, Reach
from media.rtp import Hearsay, History
from media.sdp import Connection, Media, Session
from media.security import DTLS, Security

HIGHEST_PORT = 65_535


class Refused(Exception):
    """The relay cannot do what was asked; the text is the NG error."""


class LoadLimit(Refused):
    """No room for one more call; another relay may have some."""


@dataclass(frozen=True, slots=True)
class LocalPair:
    """An even port and the next one at one address; `advertised` is what SDP says of it,
    `interface` the name of the address, b"" for the relay's first one. With a `lane` the port is
    shared with others, and RTCP comes to it as well. `reach` says where it sends to."""

    host: str
    port: int
    advertised: Connection
    interface: bytes = b""
    lane: int = 0
    reach: Reach = BY_DEFAULT

    @property
    def rtp(self) -> Address:
        return lane(self.host, self.port, self.lane) if self.lane else (self.host, self.port)

    @property
    def rtcp(self) -> Address:
        return self.host, self.port + 1

    @property
    def locals(self) -> tuple[Address, ...]:
        """What is open at the engine for it."""
        return (self.rtp,) if self.lane else (self.rtp, self.rtcp)


class PortSource(Protocol):
    """Where pairs come from: a pool whose sockets are already bound."""

    def take(
        self, family: bytes, interface: bytes = b"", *, is_shared: bool = False, now: float
    ) -> LocalPair:
        """A pair of that family (b"IP4", b"IP6") at that interface; Refused when there is none.
        `is_shared`: a lane of the port that browsers share, if there is one."""

    def give_back(self, pair: LocalPair, *, now: float) -> None:
        """The pair is no longer needed."""

    def families(self, interface: bytes = b"") -> tuple[bytes, ...]:
        """The families served at an interface, the preferred one first; none: it is unknown."""


class Stream:
    """One media section as one side sees it, `index` its number; ports are kept for the life of
    the call.

    `mux`: this side sends RTP and RTCP to one port. `mux_offered`: we offered that to this side.
    `mux_back`: what to answer to this side's own offer of it; None goes with the other side.
    `mid_extension`: the number of the RTP header extension in which it says that name, 0: in none;
    `sources`: the SSRCs that it has told; `is_named`: it tells packets to it apart by that name.
    `own_types` are the payload types of its last description, `told_types` those of ours to it;
    `payload_types` those by which its packets are told from those of other sections on its port.
    `protocol` is the profile spoken with this side. `ice` answers its checks, `ice_remote` are the
    credentials of its last description; `is_ice_lite`: it sends no checks of its own. `mid` is the
    section's name at this side. `is_bundled`: its last description had that in a group,
    `is_in_group`: ours to it had. `rides`: the section on whose port and keys it is (BUNDLE).
    `is_settled`: it has described itself once; `only_listens`: as one that sends nothing. `codec`:
    what the last answer chose, name/rate.
    """

    __slots__ = (
        "clock_rates",
        "codec",
        "hearsay",
        "history",
        "ice",
        "ice_remote",
        "index",
        "is_active",
        "is_bundled",
        "is_held",
        "is_ice_lite",
        "is_in_group",
        "is_named",
        "is_rtp",
        "is_settled",
        "kind",
        "mid",
        "mid_extension",
        "mux",
        "mux_back",
        "mux_offered",
        "only_listens",
        "own_types",
        "pair",
        "payload_types",
        "protocol",
        "rides",
        "rtcp",
        "rtp",
        "security",
        "sources",
        "told_types",
    )

    def __init__(self, index: int = 0) -> None:
        self.index = index
        self.pair: LocalPair | None = None
        self.rtp = Endpoint(("", 0))
        self.rtcp = Endpoint(("", 0))
        self.kind = b""
        self.protocol = b""
        self.codec = b""
        self.is_active = False
        self.is_bundled = False
        self.is_held = False
        self.is_ice_lite = False
        self.is_in_group = False
        self.is_named = False
        self.is_rtp = True
        self.is_settled = False
        self.mux = False
        self.only_listens = False
        self.mux_offered = False
        self.mux_back: bool | None = None
        self.clock_rates: tuple[tuple[int, int], ...] = ()
        self.hearsay = Hearsay()
        self.history = History()
        self.security = Security()
        self.ice: Agent | None = None
        self.ice_remote: Credentials | None = None
        self.mid = b""
        self.mid_extension = 0
        self.sources: tuple[int, ...] = ()
        self.own_types = self.told_types = self.payload_types = frozenset[int]()
        self.rides: Stream | None = None

    def place(self, pair: LocalPair) -> None:
        """Give it local ports, in the stead of those it had."""
        if self.rides is not None:
            self.rides, self.security = None, Security()
        self.pair = pair
        self.rtp = Endpoint(pair.rtp)
        self.rtcp = Endpoint(pair.rtcp)
        self.ice = None  # another port: the other side checks it anew

    def ride(self, head: Stream) -> None:
        """Share the port, the far end and the keys of another section of this side from now on."""
        self.rides = head
        self.pair, self.rtp, self.rtcp, self.security = (
            head.pair,
            head.rtp,
            head.rtcp,
            head.security,
        )
        self.ice = None
        self.mux = True

    def take_over(self, head: Stream) -> None:
        """Stand where the section stood on which this one rides, which is no longer there."""
        self.ride(head)
        self.rides = None
        self.ice, self.ice_remote, self.is_ice_lite = head.ice, head.ice_remote, head.is_ice_lite
        self.mux_back, self.mux_offered = head.mux_back, head.mux_offered
        head.pair, head.ice, head.security = None, None, Security()
        head.rtp, head.rtcp = Endpoint(("", 0)), Endpoint(("", 0))

    @property
    def transport(self) -> Stream:
        """The section whose ICE and DTLS serve this one: itself, unless it rides on another."""
        return self.rides or self

    @property
    def is_managed(self) -> bool:
        """True when STUN or DTLS is spoken with this side."""
        return self.transport.ice is not None or self.security.kind == DTLS

    @property
    def is_browser(self) -> bool:
        """What speaks DTLS-SRTP by its WebRTC profile understands the attributes of WebRTC."""
        return b"TLS" in self.protocol.upper() and self.security.kind == DTLS

    def signal(self, session: Session, media: Media, options: Options) -> None:
        """Take what this side says of itself in its offer or answer."""
        self.describe(session, media)
        if self.rides is not None:
            return  # where it is was said by the section on which it rides
        connection = session.connection_of(media)
        for end in (self.rtp, self.rtcp):
            end.asymmetric = options.has(b"asymmetric")
            end.handover = options.has(b"media-handover")
            end.strict = options.has(b"strict-source")
        if connection is None or session.is_held_by_address(media):
            self.rtp.hold()
            self.rtcp.hold()
            return
        source = options.received_from.decode("ascii", "replace")
        host = source if options.has(b"SIP-source-address") and source else connection.host
        port, rtcp_host = media.port + 1, host
        own = media.rtcp
        if own is not None and own[0]:
            port, named = own
            if named is not None and not options.has(b"SIP-source-address"):
                rtcp_host = named.host
        hosts = tuple(one for one in (connection.host, source) if one)
        self._name(self.rtp, host, media.port, hosts, source)
        if port > HIGHEST_PORT:  # RTP has the last one, and there is none behind it
            self.rtcp.hold()
        else:
            self._name(self.rtcp, rtcp_host, port, hosts, source)

    def describe(self, session: Session, media: Media) -> None:
        """Take what is said of the section itself, wherever it is."""
        self.kind = media.kind
        self.is_rtp = media.is_rtp
        self.is_active = True
        self.is_held = session.is_held(media)
        self.only_listens = session.direction_of(media) == b"recvonly"
        self.clock_rates = tuple(media.clock_rates().items()) if self.is_rtp else ()

    def signal_candidate(self, component: int, candidate: Address, source: str) -> None:
        """A side that sends no checks, signalled from `source`, has named this address for a
        component."""
        end = self.rtp if component == 1 else self.rtcp
        self._name(end, *candidate, (candidate[0],), source)

    @property
    def checks(self) -> bool:
        """True when this side is known by its checks alone."""
        return self.transport.ice is not None and not self.transport.is_ice_lite

    def _name(
        self, end: Endpoint, host: str | None, port: int, hosts: tuple[str, ...], source: str
    ) -> None:
        """Tell an end its address, if this stream's socket can send there, and whether it may."""
        pair = self.pair
        if host is None or pair is None or (":" in host) != (":" in pair.host):
            end.signal(None, hosts=hosts)
            return
        advertised = pair.advertised.address.decode("ascii", "replace")
        is_reached = pair.reach.covers(host, source=source, here=pair.host, advertised=advertised)
        end.signal((host, port), hosts=hosts, is_reached=is_reached)

    @property
    def ends(self) -> tuple[Endpoint, ...]:
        """The endpoints of its own ports; none for a section that rides on another."""
        if self.pair is None or self.rides is not None:
            return ()
        return (self.rtp,) if self.pair.lane else (self.rtp, self.rtcp)

    @property
    def is_muxed(self) -> bool:
        """True where there is no port for RTCP alone."""
        return self.rides is not None or (self.pair is not None and self.pair.lane > 0)

    def rtcp_way(self) -> Endpoint:
        """The port from which this side gets its RTCP."""
        return self.rtp if self.mux else self.rtcp

    def may_send(self, end: Endpoint) -> bool:
        """False while packets to this side would go out unencrypted."""
        return end.protect is not None or not self.security.is_encrypted

    def may_receive(self, end: Endpoint) -> bool:
        """False while packets of this side could not be decrypted."""
        return end.unprotect is not None or not self.security.is_encrypted


def rules_of(one: Stream, other: Stream) -> Iterator[ForwardRule]:
    """The rules of all ports of a section between two sides, in both directions."""
    for near, far in ((one, other), (other, one)):
        if near.pair is None or far.pair is None:
            continue
        is_active = near.is_active and far.is_active
        rtcp_end = far.rtcp_way()
        rtcp_destination = _destination(far, rtcp_end) if is_active else None
        ends = (near.rtp,) if near.pair.lane else (near.rtp, near.rtcp)
        for end in ends:
            out = rtcp_end if end is near.rtcp else far.rtp
            yield ForwardRule(
                local=end.local,
                accepts=end.source if is_active and near.may_receive(end) else None,
                out=out.local,
                destination=_destination(far, out) if is_active else None,
                rtcp_out=rtcp_end.local,
                rtcp_destination=rtcp_destination,
                is_rtp=near.is_rtp,
                is_exclusive=is_active and end.is_exclusive,
                clock_rates=near.clock_rates,
                section=near.index,
                payload_types=tuple(near.payload_types),
                mid=near.mid if near.mid_extension else b"",
                mid_extension=near.mid_extension,
                sources=near.sources,
                names=(far.mid_extension, far.mid) if _lacks_name(near, far) else None,
                is_managed=near.is_managed,
                ufrag=_ufrag(near),
                unprotect=end.unprotect,
                protect=out.protect,
                rtcp_protect=rtcp_end.protect,
            )


def _lacks_name(near: Stream, far: Stream) -> bool:
    """True where what comes does not say the section's name and the far side waits for it."""
    return far.is_named and far.mid_extension > 0 and not near.mid_extension


def _ufrag(near: Stream) -> bytes:
    agent = near.transport.ice
    return agent.local.ufrag if agent is not None else b""


def _destination(far: Stream, end: Endpoint) -> Address | None:
    return end.destination if far.may_send(end) else None
