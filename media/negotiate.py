"""One offer or answer between two legs: which ports, profile and mux each side is told. Pure.

The work comes in two steps, so that a refusal leaves a running call as it was: first everything
that can fail (profiles, ports), then the change.
"""

from __future__ import annotations

from dataclasses import replace

from media import bundle, connectivity, security
from media.exchange import Exchange, is_relayed, is_taken, is_wanted, keying_of, profile_told
from media.ng import Options
from media.placing import place
from media.sdp import Connection, Media, MediaRewrite, Rewrite, Session, first_codec, rewrite
from media.sdp.model import IP4, IP6
from media.security import Security
from media.stream import LocalPair, PortSource, Refused, Stream

_MUX_OFFERED = (b"offer", b"require")
_KEYING = frozenset((b"crypto", b"fingerprint", b"setup", b"tls-id", b"connection", b"zrtp-hash"))
_BROWSERS = frozenset(
    (
        b"extmap",
        b"extmap-allow-mixed",
        b"mid",
        b"msid",
        b"msid-semantic",
        b"rid",
        b"rtcp-mux-only",
        b"rtcp-rsize",
        b"simulcast",
        b"ssrc",
        b"ssrc-group",
    )
)


def negotiate(
    exchange: Exchange, ports: PortSource, *, now: float
) -> tuple[bytes, list[LocalPair]]:
    """The body for the far side, and pairs that the call no longer needs. Refused, unchanged."""
    session = exchange.session
    exchange = replace(
        exchange,
        rides=bundle.rides(
            exchange.near,
            session,
            is_offer=exchange.is_offer,
            is_wanted=lambda index: is_wanted(exchange, index, session.media[index]),
        ),
    )
    _check_profiles(exchange)
    if not exchange.is_offer:
        bundle.promote(exchange.far, lambda index: is_taken(exchange, index))
    released = place(exchange, ports, now=now)
    plans = [_section(exchange, index, media) for index, media in enumerate(exchange.session.media)]
    for leg in (exchange.near, exchange.far):
        for stream in leg.streams[len(plans) :]:
            stream.is_active = False
    body = _rewrite(exchange, plans)
    for leg in (exchange.near, exchange.far):
        bundle.tell_apart(leg)
    return body, released


def _check_profiles(exchange: Exchange) -> None:
    """Refuse what cannot be: a profile that needs keys which are not there."""
    for index, media in enumerate(exchange.session.media):
        if not is_relayed(exchange, index, media) or not media.is_rtp or index in exchange.rides:
            continue
        kind = _spoken(exchange, index, media)
        protocol = profile_told(exchange, index, media)
        _check_required(exchange, index, kind)
        is_opaque = exchange.is_offer and keying_of(protocol) == keying_of(media.protocol)
        if not exchange.is_offer:
            is_opaque = exchange.far.streams[index].security.kind == security.OPAQUE
        if kind == security.OPAQUE and not is_opaque:
            raise Refused(
                f"Cannot bridge {media.protocol.decode(errors='replace')} to "
                f"{protocol.decode(errors='replace')}: no key in the description can be used"
            )
        found = Security()
        found.take(exchange.session, media, kind)
        if security.is_weak(found):
            raise Refused("No fingerprint of SHA-256 or better in the description")
        if not exchange.is_offer:
            found.offered = exchange.near.streams[index].security.offered
            if why := found.settle_answered():
                raise Refused(f"Cannot use the answer: {why}")


def _spoken(exchange: Exchange, index: int, media: Media) -> str:
    """How the near side encrypts; a key in RTP/AVP counts where it is welcome or was ours."""
    known = exchange.near.streams[index].security if index < len(exchange.near.streams) else None
    is_opportunistic = known is not None and known.is_opportunistic
    if exchange.is_offer:
        is_opportunistic = is_opportunistic or b"accept" in exchange.options.osrtp
    return security.spoken(exchange.session, media, is_opportunistic=is_opportunistic)


def _check_required(exchange: Exchange, index: int, kind: str) -> None:
    """Plain media of a side that must encrypt is refused, in an offer and in an answer."""
    known = exchange.near.streams[index].security if index < len(exchange.near.streams) else None
    is_required = exchange.options.has(security.REQUIRED) or (
        known is not None and known.is_required
    )
    if is_required and kind == security.PLAIN:
        raise Refused("Encryption is required of this side")


def _section(exchange: Exchange, index: int, media: Media) -> MediaRewrite | None:
    near, far = exchange.near.stream(index), exchange.far.stream(index)
    if not is_relayed(exchange, index, media) or far.pair is None:
        near.is_active = far.is_active = False
        return None
    protocol = profile_told(exchange, index, media)
    near.signal(exchange.session, media, exchange.options)
    if near.rides is None:
        connectivity.note(near, exchange.session, media, exchange.options)
    near.own_types = far.told_types = media.payload_types
    near.mid_extension, near.sources = bundle.extension_of(media), media.sources
    near.mid = media.attribute(b"mid") or near.mid
    near.is_bundled = near.mid in exchange.session.bundled
    near.protocol = media.protocol
    near.is_settled = True
    near.security.is_required |= exchange.options.has(security.REQUIRED)
    far.security.is_required |= exchange.options.has(security.REQUIRED_TOWARDS)
    if exchange.is_offer:
        far.is_active, far.is_rtp, far.protocol = True, near.is_rtp, protocol
        far.clock_rates = far.clock_rates or near.clock_rates
        far.kind = near.kind
        mux = _mux_of_offer(near, far, media, exchange.options) or far.is_muxed
        is_single = mux and b"require" in exchange.options.rtcp_mux
        added = _offered(exchange, index, media, is_single=is_single)
    else:
        mux = _mux_of_answer(near, far, media, exchange.options) or far.is_muxed
        is_single = mux
        near.codec = far.codec = first_codec(media)
        added = _answered(exchange, index, media, is_single=is_single)
    for stream in (near, far):
        stream.mux = stream.mux or stream.is_muxed
    port = far.pair.port
    rtcp_port = (port if is_single else port + 1) if near.is_rtp else None
    return MediaRewrite(
        port,
        rtcp_port,
        mux,
        protocol,
        dropped=_dropped(near, far, added),
        added=tuple(added),
        direction=_direction(exchange.session, media, far),
    )


def _direction(session: Session, media: Media, far: Stream) -> bytes:
    """What tells a far side that speaks ICE, and looks at no address, of a hold by the zero one."""
    if far.transport.ice is None or not session.is_held_by_address(media):
        return b""
    is_heard = session.direction_of(media) in (b"sendrecv", b"sendonly")
    return b"sendonly" if is_heard else b"inactive"


def _offered(exchange: Exchange, index: int, media: Media, *, is_single: bool) -> list[bytes]:
    """`near` offers: note its keys, and what the offer to `far` says of ours."""
    near, far = exchange.near.streams[index], exchange.far.streams[index]
    if not near.is_rtp:
        near.security.kind = far.security.kind = security.PLAIN
        return []
    options, means = exchange.options, exchange.means
    if near.rides is None:
        kind = _spoken(exchange, index, media)
        near.security.is_opportunistic |= kind == security.SDES and not media.is_secure
        near.security.take(exchange.session, media, kind)
    if near.security.kind == security.OPAQUE:
        far.security.kind = security.OPAQUE
        return []
    added = far.security.offer_lines(far.protocol, options, means)
    has_ice = exchange.keeps_profile and far.transport.ice is not None
    added += connectivity.offer_lines(
        far.transport,
        options,
        means.random,
        is_offered=near.transport.ice_remote is not None or has_ice,
        is_muxed=is_single,
    )
    return added + bundle.name_offered(exchange.far, exchange.session, index)


def _answered(exchange: Exchange, index: int, media: Media, *, is_single: bool) -> list[bytes]:
    """`near` answers our offer: settle its keys, and say ours to `far`."""
    near, far = exchange.near.streams[index], exchange.far.streams[index]
    if not near.is_rtp:
        return []
    options, means = exchange.options, exchange.means
    if far.security.kind == security.OPAQUE:
        near.security.kind = security.OPAQUE
        return []
    if near.rides is None:
        near.security.take(exchange.session, media, _spoken(exchange, index, media))
        near.security.settle_answered()
        connectivity.settle_answered(near)
    added = far.security.answer_lines(options, means)
    added += connectivity.answer_lines(far.transport, options, means.random, is_muxed=is_single)
    return added + bundle.name_answered(exchange.far, exchange.session, index)


def _dropped(near: Stream, far: Stream, added: list[bytes]) -> frozenset[bytes]:
    """Attributes that are the near side's own affair, or that the far side cannot understand."""
    found = frozenset[bytes]()
    if near.security.is_encrypted or far.security.is_encrypted or added:
        found |= _KEYING
    if near.is_browser and not far.is_browser:
        found |= _BROWSERS
    return found


def _mux_of_offer(near: Stream, far: Stream, media: Media, options: Options) -> bool:
    """Whether to offer rtcp-mux on, and what to answer later to the offer of it (RFC 5761)."""
    asked = options.rtcp_mux
    offered = media.offers_mux
    if not offered or b"reject" in asked:
        near.mux_back = False
    else:
        near.mux_back = True if b"demux" in asked or b"accept" in asked else None
    near.mux = near.mux and offered
    offer = any(word in asked for word in _MUX_OFFERED) or (offered and b"demux" not in asked)
    far.mux_offered = offer
    far.mux = (far.mux and offer) or b"require" in asked
    return offer


def _mux_of_answer(near: Stream, far: Stream, media: Media, options: Options) -> bool:
    """`near` answered: settle both sides; True when the offerer is told that mux it is."""
    near.mux = near.mux_offered and media.offers_mux
    back = far.mux_back
    if back is None:
        back = near.mux
    if b"reject" in options.rtcp_mux:
        back = False
    far.mux = back
    return back


def _rewrite(exchange: Exchange, plans: list[MediaRewrite | None]) -> bytes:
    options = exchange.options
    connection = _advertised(exchange, plans)
    dropped = frozenset[bytes]().union(*(plan.dropped for plan in plans if plan is not None))
    far = exchange.far.streams
    media = exchange.session.media
    added = bundle.groups(far, plans, media, is_offer=exchange.is_offer)
    if any(stream.ice is not None for stream in far):
        added += (connectivity.LITE,)
    return rewrite(
        exchange.session,
        Rewrite(
            connection=connection,
            media=tuple(plans),
            origin=b"origin" in options.replace,
            session_connection=b"session-connection" in options.replace,
            rtcp_attribute=not options.has(b"no-rtcp-attribute"),
            full_rtcp_attribute=options.has(b"full-rtcp-attribute"),
            dropped=dropped,
            added=added,
        ),
    )


def _advertised(exchange: Exchange, plans: list[MediaRewrite | None]) -> Connection:
    """Where the far side is to send: our address, or the one that the proxy insists on."""
    forced = exchange.options.media_address
    if forced:
        connection = Connection(IP6 if b":" in forced else IP4, forced)
        if connection.host is not None:
            return connection
    for index, plan in enumerate(plans):
        pair = exchange.far.streams[index].pair
        if plan is not None and pair is not None:
            return pair.advertised
    return exchange.session.origin.connection
