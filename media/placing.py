"""Which ports the sections of both legs have: what is missing is drawn, or nothing at all. Pure."""

from __future__ import annotations

from media import bundle, connectivity
from media.dialogue import Leg
from media.exchange import Exchange, is_relayed, profile_told
from media.sdp.model import IP4, IP6
from media.stream import LocalPair, PortSource, Refused, Stream


def place(exchange: Exchange, ports: PortSource, *, now: float) -> list[LocalPair]:
    """Draw the ports that are missing on either side, or none at all."""
    wanted = [
        index
        for index, media in enumerate(exchange.session.media)
        if is_relayed(exchange, index, media)
    ]
    near, far, options = exchange.near, exchange.far, exchange.options
    interfaces = _interfaces(exchange, ports)
    near_families, far_families = (ports.families(interfaces[leg]) for leg in (near, far))
    near_family = _family_spoken(exchange, wanted) or near.family or near_families[0]
    if _checks(exchange, wanted):
        if near.family in near_families:
            near_family = near.family  # where our candidates are, whatever its c= says
        elif near_family not in near_families:
            near_family = near_families[0]
    far_family = options.address_family or far.family or near_family
    is_told = bool(options.address_family) and options.ice != connectivity.FORCE
    if far_family not in far_families and not is_told:
        far_family = far_families[0]
    drawn: list[tuple[Stream, LocalPair]] = []
    try:
        for leg, family in ((near, near_family), (far, far_family)):
            for index in wanted:
                stream = leg.stream(index)
                if index in exchange.rides if leg is near else stream.rides is not None:
                    continue
                if (
                    stream.pair is None
                    or stream.rides is not None
                    or stream.pair.advertised.family != family
                    or stream.pair.interface != interfaces[leg]
                ):
                    is_shared = _is_browsers(exchange, index, is_near=leg is near)
                    pair = ports.take(family, interfaces[leg], is_shared=is_shared, now=now)
                    drawn.append((stream, pair))
    except Refused:
        for _, pair in drawn:
            ports.give_back(pair, now=now)
        raise
    if wanted:
        near.family, far.family = near_family, far_family
        near.interface, far.interface = interfaces[near], interfaces[far]
    leaving = [stream for stream, _ in drawn] + [near.stream(index) for index in exchange.rides]
    released = [one.pair for one in leaving if one.pair is not None and one.rides is None]
    for stream, pair in drawn:
        stream.place(pair)
    bundle.settle(near, exchange.rides)
    for stream in far.streams:
        if stream.rides is not None:
            stream.ride(stream.rides)  # which may have new ports
    return released


def _checks(exchange: Exchange, wanted: list[int]) -> bool:
    """True for a side that finds its way by ICE: it may reach us by another family than it signals
    by, or names first in its description."""
    session = exchange.session
    return any(connectivity.credentials_of(session, session.media[index]) for index in wanted)


def _is_browsers(exchange: Exchange, index: int, *, is_near: bool) -> bool:
    """True for a side that speaks DTLS, checks by ICE, and has RTCP on the port of RTP."""
    session, options = exchange.session, exchange.options
    media = session.media[index]
    if not media.is_rtp:
        return False
    if is_near:
        has_ice = connectivity.credentials_of(session, media) is not None
        return b"TLS" in media.protocol.upper() and has_ice and media.offers_mux
    protocol = profile_told(exchange, index, media) if exchange.is_offer else b""
    is_forced = options.ice == connectivity.FORCE and b"require" in options.rtcp_mux
    return b"TLS" in protocol.upper() and is_forced


def _interfaces(exchange: Exchange, ports: PortSource) -> dict[Leg, bytes]:
    """Where each side has its ports: as the last offer said by name, whose first word is for its
    sender; a name that nobody knows is the relay's first interface."""
    found = {leg: leg.interface for leg in (exchange.near, exchange.far)}
    words = exchange.options.direction
    if exchange.is_offer and len(words) == 2:
        for leg, name in zip((exchange.near, exchange.far), words, strict=True):
            found[leg] = name if ports.families(name) else b""
    return found


def _family_spoken(exchange: Exchange, wanted: list[int]) -> bytes:
    """The family of the addresses in the description; hold by zero address says nothing."""
    for index in wanted:
        connection = exchange.session.connection_of(exchange.session.media[index])
        if connection is not None and connection.family in (IP4, IP6) and not connection.is_zero:
            return connection.family
    return b""
