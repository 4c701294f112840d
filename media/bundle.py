"""BUNDLE (RFC 9143) towards one side: sections that ride on the port of the first one. Pure.

    our offer to a browser         each section has ports of its own and all are in one group: the
                                   browser may answer for one port or for several
    offer or answer of a browser   what it puts in a group rides on its first section from then on

Each side has its own: a phone that the browser talks to has ports for each section. What comes to
the one port is told apart by payload type, and where two sections have the same ones by the name of
the section in a header extension (RFC 9143 s14), without which they share no group; the relay puts
it into what a side sends that does not know it. A section rides only with DTLS and with RTCP on the
port of RTP.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from media.dialogue import Leg
from media.rtp import extension
from media.sdp import Media, MediaRewrite, Session
from media.stream import Stream

_Told = tuple[Stream, Media, MediaRewrite]


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
        apart = _Apart()
        apart.takes(session.media[head])
        found |= {
            index: head for index in others if index > head and apart.takes(session.media[index])
        }
    return found


class _Apart:
    """Which sections can be told apart on one port: those with payload types of their own, and
    those that say their names."""

    def __init__(self) -> None:
        self._nameless: set[bytes] = set()
        self._named: set[bytes] = set()

    def takes(self, media: Media, *, is_named: bool = False) -> bool:
        """Whether a further section can be told from those before. `is_named`: it says its name,
        whatever its lines are."""
        is_named = is_named or extension_of(media) > 0
        formats = set(media.formats)
        rivals = self._nameless if is_named else self._nameless | self._named
        if not rivals.isdisjoint(formats):
            return False
        (self._named if is_named else self._nameless).update(formats)
        return True


def extension_of(media: Media) -> int:
    """The number of the header extension in which a section's sender says its name; 0 for none, or
    for what the one-byte form has no room for."""
    number = media.extension(extension.MID)
    name = media.attribute(b"mid") or b""
    has_room = number <= extension.MOST_NUMBER and 0 < len(name) <= extension.MOST_OCTETS
    return number if has_room else 0


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


def name_offered(far: Leg, session: Session, index: int) -> list[bytes]:
    """The a=mid that an offer lacks which goes to a browser: the name known, else its place. And
    the header extension for it, where payload types do not tell the section from another."""
    stream, media = far.streams[index], session.media[index]
    if not _is_grouped_in_offers(stream):
        return []
    name = media.attribute(b"mid")
    stream.mid = name or stream.mid or b"%d" % index
    if len(stream.mid) > extension.MOST_OCTETS:
        stream.mid_extension = 0  # whatever it has said of a shorter one
    lines = [] if name else [b"mid:" + stream.mid]
    told = [one.payload_types for one in session.media]
    if media.extension(extension.MID) or not _has_twin(told, index):
        return lines
    taken = {number for one in session.media for number in one.extensions()}
    free = [number for number in range(1, extension.MOST_NUMBER + 1) if number not in taken]
    number = next((one.mid_extension for one in far.streams if one.mid_extension), 0)
    return [*lines, _extmap(number or free[0])] if number or free else lines


def name_answered(far: Leg, session: Session, index: int) -> list[bytes]:
    """What an answer lacks of the names that the side which offered has given, and wants to hear
    where payload types do not tell the section from another."""
    stream, media = far.streams[index], session.media[index]
    lines = [b"mid:" + stream.mid] if stream.mid and media.attribute(b"mid") is None else []
    if not (stream.mid_extension and stream.is_bundled) or media.extension(extension.MID):
        return lines
    told = [one.payload_types for one in session.media]
    own = [
        frozenset() if one.is_disabled else stream.own_types
        for stream, one in zip(far.streams, session.media, strict=False)
    ]
    if _has_twin(told, index) or _has_twin(own, index):
        lines.append(_extmap(stream.mid_extension))
    return lines


def tell_apart(leg: Leg) -> None:
    """Note by which payload types a side's packets are told, and whether it needs names for that:
    it is sent what it has said itself. What it was told counts more than what it has said: by that
    its own packets go, if it does as it should (RFC 3264 s7)."""
    for stream in leg.streams:
        others = [
            one
            for one in leg.streams
            if one is not stream and one.is_active and one.transport is stream.transport
        ]
        stream.is_named = any(stream.own_types & one.own_types for one in others)
        told = frozenset[int]().union(*(one.told_types for one in others))
        types = stream.told_types | (stream.own_types - told)
        stream.payload_types = types if stream.is_active else frozenset()


def _has_twin(types: Sequence[frozenset[int]], index: int) -> bool:
    """True where another section has some of the payload types of that one."""
    return any(types[index] & one for at, one in enumerate(types) if at != index)


def _extmap(number: int) -> bytes:
    return b"extmap:%d %b" % (number, extension.MID)


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
        (stream, one, plan)
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


def _offered(eligible: Sequence[_Told]) -> Iterator[Stream]:
    apart = _Apart()
    for stream, media, plan in eligible:
        is_named = any(line.endswith(extension.MID) for line in plan.added)
        if _is_grouped_in_offers(stream) and apart.takes(media, is_named=is_named):
            yield stream


def _answered(eligible: Sequence[_Told]) -> Iterator[Stream]:
    head: Stream | None = None
    for stream, *_ in eligible:
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
