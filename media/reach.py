"""Where a side may be sent to by what its description says of it. Pure.

Descriptions come from users and strangers. An address of the internet is sent to; an inner one
(ng/inner.py) only

    loopback       from a port on loopback
    private,       by whom is signalled from an inner address itself: a phone or proxy in the LAN;
    link_local     with `auto`, also from a port whose own address is private, as others reach it
    any of these   where the networks of the setting have it

and nobody, multicast and metadata never. A side that may not be sent to is sent to once it was
heard, as any that is behind a NAT (endpoint.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from media.ng.inner import LOOPBACK, NEVER, PRIVATE, Network, is_within, kind_of

AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Reach:
    """What the setting FEDSIP_INNER_NETWORKS allows."""

    is_auto: bool = True
    networks: tuple[Network, ...] = ()

    def covers(self, host: str, *, source: str, here: str, advertised: str) -> bool:
        """Whether a port at `here`, `advertised` to others, sends to the host of a description;
        `source` is where its signalling came from, or nothing. Both may be names."""
        if not _is_address(host):
            return False
        kind = kind_of(host)
        if not kind:
            return True
        if kind in NEVER:
            return False
        if is_within(host, self.networks):
            return True
        own = _kind(here)
        if kind == LOOPBACK:
            return own == LOOPBACK and self.is_auto
        if source not in (here, advertised) and _kind(source):
            return True
        return self.is_auto and own == PRIVATE and _kind(advertised) == PRIVATE


BY_DEFAULT = Reach()


def reach_of(parts: Sequence[str]) -> Reach:
    """By the words of the setting: `auto`, CIDRs."""
    networks = tuple(ip_network(text, strict=False) for text in parts if text != AUTO)
    return Reach(AUTO in parts, networks)


def _kind(text: str) -> str:
    return kind_of(text) if text and _is_address(text) else ""


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
