"""From the facts about both sides to the NG options of a description that goes to one. Pure.

    sender     towards      transport            ICE           rtcp-mux
    any        SIP          RTP/AVP              remove        demux
      ... srtp=offered      RTP/AVP, OSRTP       remove        demux
      ... srtp=required     RTP/SAVP             remove        demux
      ... srtp=either       RTP/SAVP, DTLS too   remove        demux
      ... srtp=dtls         UDP/TLS/RTP/SAVPF    remove        offer, accept
    any        WebSocket    UDP/TLS/RTP/SAVPF    force         offer, require

Each side is spoken to in its own address family; our address stands in o= and c=. Opportunistic
SRTP (OSRTP, RFC 8643) is a key in an RTP/AVP offer, which phones without SRTP pass over. A side
that offers SRTP by itself is answered in it, whatever the policy.

Codecs are those that both sides may use, in the order of the receiver; telephone events and comfort
noise go beside them.

This is for the first description of a side. `keep-profile` tells our relay to go on as that began,
so that a later offer of either side finds the other one spoken to as before; the two
`srtp-required` flags hold a side to its policy for the life of the call. Other relays pass these
flags over. `pad-crypto` is for rtpengine: baresip takes no key whose base64 lacks its padding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from media.ng import CodecChoice, Options
from media.ng.inner import kind_of

SRTP_REQUIRED: Final = ("required", "dtls", "either")
"""Policies of a side that must encrypt: by keys in the signalling, or by DTLS. By either is what a
phone wants that has refused plain RTP; nobody can choose it."""
_LONGEST_USER: Final = 64
_BESIDE: Final = (b"telephone-event", b"cn")
_DEFAULT: Final = b"default"
_REPLACE: Final = (b"origin", b"session-connection")
_NO_SUITES: Final = (
    *(b"no-NULL_HMAC_SHA1_80", b"no-NULL_HMAC_SHA1_32"),
    *(b"no-F8_128_HMAC_SHA1_80", b"no-F8_128_HMAC_SHA1_32"),
)
"""What rtpengine would offer phones beside the suites of ours; the first two encrypt nothing."""


@dataclass(frozen=True, slots=True)
class SideFacts:
    """What is known of one side of a call."""

    family: int
    is_websocket: bool = False
    is_nat: bool = False
    source: str = ""
    """Address from which its signalling came."""
    srtp: str = "off"
    """Its policy: off, offered, or one of SRTP_REQUIRED."""
    codecs: tuple[bytes, ...] = ()
    """Lower-case names of those that it may use, the preferred one first; none: all."""
    interface: bytes = b""
    """Name of the relay's interface at which it has its ports (interfaces.py)."""
    user: bytes = b""
    """Whose phone it is, for what the relay says of it in words."""

    @property
    def is_srtp_required(self) -> bool:
        return self.srtp in SRTP_REQUIRED

    @property
    def label(self) -> bytes:
        device = b"browser" if self.is_websocket else b"phone"
        return self.user[:_LONGEST_USER] + b"'s " + device if self.user else b""


def options_towards(receiver: SideFacts, sender: SideFacts) -> Options:
    """Options of an offer or answer that `sender` made and `receiver` is given."""
    family = b"IP6" if receiver.family == 6 else b"IP4"
    is_told = sender.is_nat or (sender.source and kind_of(sender.source))
    received_from = sender.source.encode() if is_told else b""
    flags = [b"keep-profile"]
    if sender.is_srtp_required:
        flags.append(b"srtp-required")
    if receiver.is_srtp_required:
        flags.append(b"srtp-required-towards")
    osrtp = [b"accept"] if sender.srtp != "off" else []
    if receiver.srtp == "offered":
        osrtp.append(b"offer")
    common = Options(
        address_family=family,
        label=sender.label,
        direction=_direction(receiver, sender),
        codec=_codecs(receiver.codecs, sender.codecs),
        replace=_REPLACE,
        osrtp=tuple(osrtp),
        flags=tuple(flags),
        received_from=received_from,
    )
    if receiver.is_websocket or receiver.srtp == "dtls":
        is_browser = receiver.is_websocket
        return replace(
            common,
            ice=b"force" if is_browser else b"remove",
            sdes=(b"off",),
            transport_protocol=b"UDP/TLS/RTP/SAVPF",
            rtcp_mux=(b"offer", b"require") if is_browser else (b"offer", b"accept"),
            osrtp=tuple(one for one in osrtp if one != b"offer"),
        )
    return replace(
        common,
        ice=b"remove",
        dtls=b"" if receiver.srtp == "either" else b"off",
        sdes=_NO_SUITES,
        transport_protocol=b"RTP/SAVP" if receiver.is_srtp_required else b"RTP/AVP",
        rtcp_mux=(b"demux",),
        flags=(*flags, b"pad-crypto"),
    )


def _direction(receiver: SideFacts, sender: SideFacts) -> tuple[bytes, ...]:
    """The interfaces of both, the sender's first; a relay takes its first one for `default`."""
    if not receiver.interface and not sender.interface:
        return ()
    return sender.interface or _DEFAULT, receiver.interface or _DEFAULT


def _codecs(receiver: tuple[bytes, ...], sender: tuple[bytes, ...]) -> CodecChoice:
    if not receiver and not sender:
        return CodecChoice()
    both = receiver or sender
    if receiver and sender:
        known = {name.partition(b"/")[0] for name in sender}
        both = tuple(name for name in receiver if name.partition(b"/")[0] in known)
    return CodecChoice((b"all",), _BESIDE, both)
