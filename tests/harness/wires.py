"""What the relay's ports towards each side of a call carried, as tshark saw it; or what went
between two browsers that speak directly.

Nothing may be malformed. Of a side that encrypts: every packet of SDES is authentic by a key that
was signalled; by DTLS-SRTP nothing comes before the handshake has begun, and payloads begin with
any octet; and no payload is one that another side's wire has.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from media.ng import Query
from media.rtp import DTLS, RTCP, RTP, STUN, kind_of, packet
from media.srtp import parse_crypto
from media.srtp.context import Context, SrtpError, unprotecting
from tests.harness.capture import Packet, malformed, packets_of
from tests.harness.ng import NgClient

WEBRTC = b"UDP/TLS/RTP/SAVPF"
LEAST = 20
"""Packets of sound on each wire."""
MANY = 8
"""Octets with which payloads begin, by chance; Opus has its mode there (RFC 6716 s3.1)."""
_TAGS = (4, 10, 16)
_BYE, _APP = 203, 204


def legs_of(ng_port: int, call_id: str) -> dict[int, bytes]:
    """The profile that a relay speaks at each of its RTP ports of a call."""
    with NgClient(ng_port) as relay:
        answer: Any = relay.accepted(Query(call_id.encode()))
    return {
        media[b"streams"][0][b"local port"]: media[b"protocol"]
        for side in answer[b"tags"].values()
        for media in side[b"medias"]
    }


def check_wires(file: Path, legs: Mapping[int, bytes], *, signalling: str = "") -> None:
    """AssertionError unless all of that is so; `signalling` has the keys of SDES."""
    by_tshark = [(port, "rtp") for port, profile in legs.items() if b"TLS" not in profile]
    every = [one for port in legs for one in (port, port + 1)]
    packets = packets_of(file, by_tshark, ports=every)
    encrypting = [port for port, profile in legs.items() if not _is_plain(profile)]
    places = {one for port in encrypting for one in (port, port + 1)}
    bad = malformed(packets, places)
    assert not bad, bad
    clear = [
        _payloads(_sound(packets, port)) for port, profile in legs.items() if _is_plain(profile)
    ]
    sealed: list[set[bytes]] = []
    for port, profile in legs.items():
        wire = [one for one in packets if port in one.ports]
        sound = _sound(packets, port)
        assert len(sound) >= LEAST, (profile, len(wire))
        if _is_plain(profile):
            assert {kind_of(one.payload) for one in wire} <= {RTP, RTCP}
            continue
        said = _payloads(sound)
        assert not any(said & others for others in sealed), profile
        bare = {one[:-tag] for one in said for tag in _TAGS}
        assert not any((said | bare) & others for others in clear), profile
        sealed.append(said)
        if b"TLS" in profile:
            _check_dtls(wire, sound)
        else:
            _check_keys([one for one in packets if one.ports & {port, port + 1}], signalling)


def check_direct(file: Path, ports: Set[int]) -> None:
    """The same of a browser's ports, of which two that find each other may try several."""
    wire = packets_of(file, (), ports=ports)
    bad = malformed(wire, ports)
    assert not bad, bad
    sound = [one for one in wire if kind_of(one.payload) == RTP]
    assert len(sound) >= LEAST, len(wire)
    _check_dtls(wire, sound)


def _check_dtls(wire: list[Packet], sound: list[Packet]) -> None:
    assert {"DTLSv1.2", "STUN"} <= {one.protocol for one in wire} or not _has_ice(wire)
    began = [one.number for one in wire if kind_of(one.payload) == DTLS]
    assert began
    assert began[0] < sound[0].number
    assert len({payload[0] for payload in _payloads(sound)}) > MANY


def _check_keys(wire: list[Packet], signalling: str) -> None:
    """Every packet is authentic by one of the keys in a=crypto lines; but for two of RTCP's that
    baresip sends in clear, its PING to open the way (APP) and its farewell (BYE), and which no
    relay of ours passes on."""
    words = [line.partition("a=crypto:")[2] for line in signalling.splitlines()]
    keys = {key for word in words if word and (key := parse_crypto(word.strip().encode()))}
    contexts = [unprotecting(key.suite, key.master) for key in keys]
    for one in wire:
        kind = kind_of(one.payload)
        assert kind in (RTP, RTCP)
        if kind == RTCP and one.payload[1] in (_BYE, _APP):
            continue
        is_rtcp = kind == RTCP
        assert any(_opens(context, one.payload, is_rtcp) for context in contexts), one.number


def _opens(context: Context, datagram: bytes, is_rtcp: bool) -> bool:
    try:
        context.rtcp(datagram) if is_rtcp else context.rtp(datagram)
    except SrtpError:
        return False
    return True


def _sound(packets: list[Packet], port: int) -> list[Packet]:
    return [one for one in packets if port in one.ports and kind_of(one.payload) == RTP]


def _payloads(sound: list[Packet]) -> set[bytes]:
    """Of some length: comfort noise and tones may be alike by chance."""
    found = [one.payload[packet.payload_offset(one.payload) :] for one in sound]
    return {payload for payload in found if len(payload) >= 20}


def _is_plain(profile: bytes) -> bool:
    return b"SAVP" not in profile


def _has_ice(wire: list[Packet]) -> bool:
    return any(kind_of(one.payload) == STUN for one in wire)
