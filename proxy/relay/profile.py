"""From the facts about both sides to the NG options of a description that goes to one. Pure.

    sender     towards      transport            ICE           rtcp-mux
    any        SIP          RTP/AVP              remove        demux
    any        SIP, SRTP    RTP/SAVP             remove        demux
    any        WebSocket    UDP/TLS/RTP/SAVPF    force         offer, require

Each side is spoken to in its own address family; our address stands in o= and c=.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from media.ng import Options

_REPLACE: Final = (b"origin", b"session-connection")


@dataclass(frozen=True, slots=True)
class SideFacts:
    """What is known of one side of a call."""

    family: int
    is_websocket: bool = False
    is_nat: bool = False
    source: str = ""
    """Address from which its signalling came."""
    wants_srtp: bool = False
    """A SIP side that is to be spoken to by SDES-SRTP."""


def options_towards(receiver: SideFacts, sender: SideFacts) -> Options:
    """Options of an offer or answer that `sender` made and `receiver` is given."""
    family = b"IP6" if receiver.family == 6 else b"IP4"
    received_from = sender.source.encode() if sender.is_nat else b""
    if not receiver.is_websocket:
        return Options(
            ice=b"remove",
            transport_protocol=b"RTP/SAVP" if receiver.wants_srtp else b"RTP/AVP",
            address_family=family,
            rtcp_mux=(b"demux",),
            replace=_REPLACE,
            received_from=received_from,
        )
    return Options(
        ice=b"force",
        transport_protocol=b"UDP/TLS/RTP/SAVPF",
        address_family=family,
        rtcp_mux=(b"offer", b"require"),
        replace=_REPLACE,
        received_from=received_from,
    )
