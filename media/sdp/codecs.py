"""Which codecs a description names; those that may be used, the preferred ones first. Pure.

Nothing is transcoded: a codec that is taken out is simply never agreed on. What only goes beside a
codec stays with it: telephone-event and comfort noise unless they are named, retransmissions and
redundancy as long as what they repeat is there. A section without any codec left is offered as
refused (port 0, RFC 3264 s6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from media.sdp.model import Line, Media, Session

_STATIC = {
    b"0": b"PCMU/8000",
    b"3": b"GSM/8000",
    b"4": b"G723/8000",
    b"5": b"DVI4/8000",
    b"7": b"LPC/8000",
    b"8": b"PCMA/8000",
    b"9": b"G722/8000",
    b"13": b"CN/8000",
    b"15": b"G728/8000",
    b"18": b"G729/8000",
    b"26": b"JPEG/90000",
    b"31": b"H261/90000",
    b"34": b"H263/90000",
}
_BESIDE = (b"telephone-event", b"cn")
_REPEATING = (b"rtx", b"red", b"ulpfec", b"flexfec", b"flexfec-03")
_BY_FORMAT = (b"rtpmap", b"fmtp", b"rtcp-fb")


@dataclass(frozen=True, slots=True)
class Allowed:
    """Lower-case names, each perhaps with clock rate and channels. `strips_all`: what is neither in
    `kept` nor in `first` goes."""

    strip: tuple[bytes, ...] = ()
    strips_all: bool = False
    kept: tuple[bytes, ...] = ()
    first: tuple[bytes, ...] = ()


def choose(session: Session, allowed: Allowed) -> Session | None:
    """The session with what is allowed; None when no section that was offered is left."""
    media = tuple(_section(one, allowed) if _counts(one) else one for one in session.media)
    if any(map(_counts, session.media)) and not any(map(_counts, media)):
        return None
    return replace(session, media=media)


def first_codec(media: Media) -> bytes:
    """The first codec of a section as rtpmap writes it, opus/48000/2; b"" where none has a name."""
    names = _encodings(media) if media.is_rtp else {}
    found = (names.get(one, b"") for one in media.formats)
    return next((one for one in found if one and _is_codec(one.lower())), b"")


def _counts(media: Media) -> bool:
    return media.is_rtp and not media.is_disabled


def _section(media: Media, allowed: Allowed) -> Media:
    names = {number: encoding.lower() for number, encoding in _encodings(media).items()}
    kept = [one for one in media.formats if _may_stay(names.get(one, b""), allowed)]
    kept = [one for one in kept if _has_what_it_repeats(one, names, kept, media)]
    if not any(_is_codec(names.get(one, b"")) for one in kept):
        return _with(media, media.formats, port=0)
    kept.sort(key=lambda one: _place(names.get(one, b""), allowed.first))
    return _with(media, tuple(kept), port=media.port)


def _encodings(media: Media) -> dict[bytes, bytes]:
    """Name/rate[/channels] of each format."""
    found = {one: _STATIC[one] for one in media.formats if one in _STATIC}
    for line in media.lines:
        if line.attribute == b"rtpmap":
            number, _, encoding = line.value[7:].partition(b" ")
            found[number] = encoding.strip()
    return found


def _may_stay(encoding: bytes, allowed: Allowed) -> bool:
    if _is_among(encoding, allowed.first) or _is_among(encoding, allowed.kept):
        return True
    if _is_among(encoding, allowed.strip):
        return False
    return not allowed.strips_all or not _is_codec(encoding)


def _has_what_it_repeats(
    number: bytes, names: dict[bytes, bytes], kept: list[bytes], media: Media
) -> bool:
    """False for the retransmission (apt=96) or redundancy (111/111) of what is gone."""
    if _name(names.get(number, b"")) not in _REPEATING:
        return True
    for line in media.lines:
        if line.attribute == b"fmtp":
            about, _, text = line.value[5:].partition(b" ")
            if about == number:
                text = text.strip().removeprefix(b"apt=").partition(b";")[0]
                repeated = [one.strip() for one in text.split(b"/")]
                return all(one in kept for one in repeated if one.isdigit())
    return True


def _with(media: Media, formats: tuple[bytes, ...], *, port: int) -> Media:
    """The section with these formats and what is said of them."""
    lines = [line for line in media.lines[1:] if _concerns(line, formats)]
    value = b" ".join((media.kind, b"%d" % port, media.protocol, *formats))
    first = Line(b"m", value, media.lines[0].ending)
    return replace(media, lines=(first, *lines), formats=formats, port=port)


def _concerns(line: Line, formats: tuple[bytes, ...]) -> bool:
    if line.attribute not in _BY_FORMAT:
        return True
    about = line.value.partition(b":")[2].split(maxsplit=1)[:1]
    return about == [b"*"] or (bool(about) and about[0] in formats)


def _place(encoding: bytes, first: tuple[bytes, ...]) -> int:
    found = [at for at, one in enumerate(first) if _matches(encoding, one)]
    return found[0] if found else len(first)


def _is_codec(encoding: bytes) -> bool:
    return _name(encoding) not in (*_BESIDE, *_REPEATING)


def _name(encoding: bytes) -> bytes:
    return encoding.partition(b"/")[0]


def _is_among(encoding: bytes, wanted: Iterable[bytes]) -> bool:
    return any(_matches(encoding, one) for one in wanted)


def _matches(encoding: bytes, wanted: bytes) -> bool:
    """opus is opus/48000/2, and so is opus/48000."""
    return encoding == wanted or encoding.startswith(wanted + b"/")
