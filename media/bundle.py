"""BUNDLE (RFC 9143) towards one side: a group of one section, for each has ports of its own. Pure.

Browsers whose policy is max-bundle refuse an offer without a group, and an answer that leaves the
group of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence

from media.sdp import Media, MediaRewrite
from media.stream import Stream


def name_offered(far: Stream, media: Media, index: int) -> list[bytes]:
    """The a=mid that an offer lacks which goes to a browser: the name known, else its place."""
    if not _is_grouped_in_offers(far):
        return []
    name = media.attribute(b"mid")
    far.mid = name or far.mid or b"%d" % index
    return [] if name else [b"mid:" + far.mid]


def groups(
    streams: Sequence[Stream], plans: Sequence[MediaRewrite | None], *, is_offer: bool
) -> tuple[bytes, ...]:
    """Our group in a description to the side with these sections, which share RTCP's port or not;
    an answer has one where the side offered one."""
    for stream, plan in zip(streams, plans, strict=False):
        if plan is None or not plan.rtcp_mux or not stream.mid:
            continue
        if _is_grouped_in_offers(stream) if is_offer else stream.is_bundled:
            return (b"group:BUNDLE " + stream.mid,)
    return ()


def _is_grouped_in_offers(stream: Stream) -> bool:
    return stream.is_browser and stream.ice is not None
