"""BUNDLE (RFC 9143) towards one side: sections that ride on the port of the first one. Pure.

    our offer to a browser         each section has ports of its own and all are in one group: the
                                   browser may answer for one port or for several
    offer or answer of a browser   what it puts in a group rides on its first section from then on

Each side has its own: a phone that the browser talks to has ports for each section. What comes to
the one port is told apart by payload type, so sections share a group only where those differ. A
section rides only with DTLS and with RTCP on the port of RTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from media.dialogue import Leg
from media.sdp import Media, MediaRewrite, Session
from media.stream import Stream


def rides(
    near: Leg, session: Session, *, is_offer: bool, is_wanted: Callable[[int], bool]
) -> dict[int, int]:
    """Of each section of a description that shares another's transport, that other one.

    `is_wanted` tells whether the other side has a section; an answer shares only as was offered.
    """
    by_name = {media.attribute(b"mid"): index for index, media in enumerate(session.media)}
    found: dict[int, int] = {}
    for names in session.groups(b"BUNDLE"):
        indices = [by_name[name] for name in names if name in by_name]
        indices = [
            one
            for one in indices
            if is_wanted(one)
            and _may_ride(session.media[one])
            and (is_offer or (one < len(near.streams) and near.streams[one].is_in_group))
        ]
        if not indices or session.media[indices[0]].is_disabled:
            continue
        head, *others = indices
        taken = set(session.media[head].formats)
        for index in others:
            formats = session.media[index].formats
            if taken.isdisjoint(formats) and index > head:
                taken.update(formats)
                found[index] = head
    return found


def settle(leg: Leg, found: dict[int, int]) -> None:
    """Put the sections of a side that has just described itself on the transports they ride on."""
    for index, head in found.items():
        leg.stream(index).ride(leg.stream(head))


def promote(far: Leg, is_taken: Callable[[int], bool]) -> None:
    """An answer refuses sections of who offered: where others ride on one of them, the first that
    is taken stands in its stead."""
    for index, head in enumerate(far.streams):
        riders = [(at, one) for at, one in enumerate(far.streams) if one.rides is head]
        taken = [one for at, one in riders if is_taken(at)]
        if not taken or is_taken(index):
            continue
        first = taken[0]
        first.take_over(head)
        for _, one in riders:
            if one is not first:
                one.ride(first)


def name_offered(far: Stream, media: Media, index: int) -> list[bytes]:
    """The a=mid that an offer lacks which goes to a browser: the name known, else its place."""
    if not _is_grouped_in_offers(far):
        return []
    name = media.attribute(b"mid")
    far.mid = name or far.mid or b"%d" % index
    return [] if name else [b"mid:" + far.mid]


def groups(
    streams: Sequence[Stream],
    plans: Sequence[MediaRewrite | None],
    media: Sequence[Media],
    *,
    is_offer: bool,
) -> tuple[bytes, ...]:
    """Our group in a description to the side with these sections; an answer has one where the side
    offered one."""
    eligible = [
        (stream, one)
        for stream, plan, one in zip(streams, plans, media, strict=False)
        if plan is not None and plan.rtcp_mux and stream.mid
    ]
    for stream in streams:
        stream.is_in_group = False
    names: list[bytes] = []
    for stream in _offered(eligible) if is_offer else _answered(eligible):
        stream.is_in_group = True
        names.append(stream.mid)
    return (b"group:BUNDLE " + b" ".join(names),) if names else ()


def _offered(eligible: Sequence[tuple[Stream, Media]]) -> Iterator[Stream]:
    taken: set[bytes] = set()
    for stream, media in eligible:
        if _is_grouped_in_offers(stream) and taken.isdisjoint(media.formats):
            taken.update(media.formats)
            yield stream


def _answered(eligible: Sequence[tuple[Stream, Media]]) -> Iterator[Stream]:
    head: Stream | None = None
    for stream, _ in eligible:
        if head is None and stream.is_bundled and stream.rides is None:
            head = stream
            yield stream
        elif head is not None and stream.rides is head:
            yield stream


def _may_ride(media: Media) -> bool:
    is_there = not media.is_disabled or media.attribute(b"bundle-only") is not None
    return is_there and media.is_rtp and b"TLS" in media.protocol.upper() and media.offers_mux


def _is_grouped_in_offers(stream: Stream) -> bool:
    return stream.is_browser and stream.transport.ice is not None
