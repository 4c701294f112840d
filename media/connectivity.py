"""ICE of one section of one side: who speaks it, with which words, when it begins anew. Pure.

The relay is ICE-lite on each side by itself: what one side has of ICE does not concern the other.
A side that is lite as well sends no checks, and none are needed: packets go to the best of its
candidates (RFC 8445 s6.1.2.1, s8.2), and are learned from as from any phone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from media.ice import Agent, Credentials, best_candidate, candidate_line
from media.ng import Options
from media.sdp import Media, Session
from media.stream import Stream

LITE = b"ice-lite"
REMOVE = b"remove"
FORCE = b"force"
RELAY = (b"force-relay", b"force_relay")
_UFRAG_BYTES = 6  # 8 characters: 48 bits, RFC 8445 s5.3 wants 24
_PASSWORD_BYTES = 18  # 24 characters: 144 bits of 128


def credentials_of(session: Session, media: Media) -> Credentials | None:
    """The credentials that a description offers; None without ICE, or with rubbish."""
    ufrag = session.attribute_of(media, b"ice-ufrag")
    password = session.attribute_of(media, b"ice-pwd")
    if not ufrag or not password or len(ufrag) > 256 or len(password) > 256:
        return None
    return Credentials(ufrag.strip(), password.strip())


def note(near: Stream, session: Session, media: Media, options: Options) -> None:
    """What the description of a side says of its ICE; after `Stream.signal`."""
    near.ice_remote = credentials_of(session, media)
    near.is_ice_lite = near.ice_remote is not None and (
        session.attribute_of(media, LITE) is not None
    )
    if not near.is_ice_lite or near.pair is None:
        return
    source = options.received_from.decode("ascii", "replace")
    lines = [line.value[10:] for line in media.lines if line.attribute == b"candidate"]
    for component in (1, 2):
        found = best_candidate(lines, component, is_ipv6=":" in near.pair.host)
        if found is not None:
            near.signal_candidate(component, (found.host, found.port), source)


def offer_lines(
    far: Stream,
    options: Options,
    random: Callable[[int], bytes],
    *,
    is_offered: bool,
    is_muxed: bool,
) -> list[bytes]:
    """Attributes of an offer to `far`; `is_offered`: the description itself came with ICE."""
    wanted = options.ice == FORCE or (is_offered and options.ice not in (REMOVE, *RELAY))
    if not wanted:
        _stop(far)
        return []
    if far.ice is None:
        _start(far, random)
    return _lines(far, is_muxed=is_muxed)


def answer_lines(
    far: Stream, options: Options, random: Callable[[int], bytes], *, is_muxed: bool
) -> list[bytes]:
    """Attributes of an answer to `far`, which offered ICE or did not. New credentials of its are a
    restart, which ours follow (RFC 8445 s9)."""
    if far.ice_remote is None or options.ice == REMOVE:
        _stop(far)
        return []
    if far.ice is None:
        _start(far, random)
    elif far.ice.remote not in (None, far.ice_remote):
        far.ice.restart(_credentials(random))
    if far.ice is not None:
        far.ice.remote = far.ice_remote
    _await_checks(far)
    return _lines(far, is_muxed=is_muxed)


def settle_answered(near: Stream) -> None:
    """`near` answered our offer: with ICE, or without."""
    if near.ice_remote is None:
        _stop(near)
    elif near.ice is not None:
        near.ice.remote = near.ice_remote
        _await_checks(near)


def _await_checks(stream: Stream) -> None:
    """Whether its checks say where it is, now that it is known whether it sends any."""
    for end in (stream.rtp, stream.rtcp):
        end.needs_checks = stream.checks


def _start(stream: Stream, random: Callable[[int], bytes]) -> None:
    stream.ice = Agent(_credentials(random))
    for end in (stream.rtp, stream.rtcp):
        end.needs_checks = True
        end.select(None)


def _stop(stream: Stream) -> None:
    if stream.ice is None:
        return
    stream.ice = None
    for end in (stream.rtp, stream.rtcp):
        end.needs_checks = False
        end.select(None)


def _credentials(random: Callable[[int], bytes]) -> Credentials:
    """Letters, digits, + and / alone: base64 fits the grammar of ice-char."""
    return Credentials(
        base64.b64encode(random(_UFRAG_BYTES)), base64.b64encode(random(_PASSWORD_BYTES))
    )


def _lines(stream: Stream, *, is_muxed: bool) -> list[bytes]:
    agent, pair = stream.ice, stream.pair
    if agent is None or pair is None:
        return []
    host = pair.advertised.address
    found = [
        b"ice-ufrag:" + agent.local.ufrag,
        b"ice-pwd:" + agent.local.password,
        candidate_line(1, host, pair.port),
    ]
    if not is_muxed:
        found.append(candidate_line(2, host, pair.port + 1))
    return found
