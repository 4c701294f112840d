"""A description on its way from one leg to another, and what follows from it at once. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from media import security
from media.dialogue import Leg
from media.ng import Options
from media.sdp import Media, Session
from media.security import Means

KEEP = b"keep-profile"
_PROFILES = frozenset(
    (
        b"RTP/AVP",
        b"RTP/AVPF",
        b"RTP/SAVP",
        b"RTP/SAVPF",
        b"UDP/TLS/RTP/SAVP",
        b"UDP/TLS/RTP/SAVPF",
    )
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A description of `near` on its way to `far`."""

    near: Leg
    far: Leg
    session: Session
    options: Options
    is_offer: bool
    means: Means
    rides: dict[int, int] = field(default_factory=dict)
    """Sections of `near` that share the transport of another one (BUNDLE)."""

    @property
    def keeps_profile(self) -> bool:
        """What a side speaks was settled by its first description, whatever is asked later."""
        return self.options.has(KEEP)


def is_relayed(exchange: Exchange, index: int, media: Media) -> bool:
    """True for a section that is to have ports: an answer cannot enable what was not offered."""
    if media.is_disabled and index not in exchange.rides:
        return False
    return is_wanted(exchange, index, media)


def is_wanted(exchange: Exchange, index: int, media: Media) -> bool:
    return media.is_relayed and (
        exchange.is_offer
        or (index < len(exchange.far.streams) and exchange.far.streams[index].is_active)
    )


def is_taken(exchange: Exchange, index: int) -> bool:
    media = exchange.session.media
    return index < len(media) and is_relayed(exchange, index, media[index])


def profile_told(exchange: Exchange, index: int, media: Media) -> bytes:
    """The profile that the far side is told: of an answer that of its own offer, save for what
    passes untouched anyway."""
    asked = exchange.options.transport_protocol
    if not media.is_rtp:
        return media.protocol
    if exchange.is_offer:
        if exchange.keeps_profile and index < len(exchange.far.streams):
            settled = exchange.far.streams[index]
            if settled.is_settled:
                return settled.protocol
        return asked if asked in _PROFILES else media.protocol
    offered = exchange.far.streams[index].protocol
    if asked in _PROFILES and keying_of(asked) == keying_of(offered):
        return asked
    is_same = keying_of(offered) == keying_of(media.protocol)
    passes = exchange.far.streams[index].security.kind == security.OPAQUE
    if (asked == b"accept" and (is_same or passes)) or (passes and not is_same):
        return media.protocol
    return offered


def keying_of(protocol: bytes) -> tuple[bool, bool]:
    upper = protocol.upper()
    return b"SAVP" in upper, b"TLS" in upper
