"""A call in rtpengine's words: what query and delete answer. Pure.

Keys and nesting are rtpengine's, so that its tools and Kamailio's statistics understand them;
`expected`, `lost`, `strangers`, `undecryptable` and `jitter us` in `stats`, `verdict` and
`verdict text` are more than it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from media.call import Call
from media.dialogue import Dialogue, Leg
from media.endpoint import Endpoint
from media.forward.engine import Counters
from media.forward.rule import Address, socket_of
from media.ng import Document, Value
from media.rtp import History, mean_opinion_score
from media.security import DTLS, SDES
from media.stream import Stream
from media.verdict import verdict

CountersOf = Callable[[Address, int], Counters]
_FLAGS = {SDES: b"SDES", DTLS: b"DTLS-SRTP"}
FailureOf = Callable[[Endpoint], str]


def report(
    call: Call, dialogues: list[Dialogue], counters: CountersOf, failure: FailureOf
) -> Document:
    """The answer's dictionary without its result. Answered dialogues hide the tags of others."""
    findings = [one for dialogue in dialogues for one in verdict(dialogue, counters, failure)]
    tags: Document = {}
    for number, dialogue in enumerate(sorted(dialogues, key=lambda one: one.is_answered), 1):
        for leg in (dialogue.caller, dialogue.callee):
            key = leg.tag or b"<untagged %d>" % number
            tags[key] = _tag(dialogue, leg, key, counters)
    totals = {b"RTP": [0, 0, 0], b"RTCP": [0, 0, 0]}
    ssrcs: Document = {}
    for stream in _streams(dialogues):
        for kind, end in zip((b"RTP", b"RTCP"), stream.ends or (stream.rtp,), strict=False):
            found = counters(end.local, stream.index)
            totals[kind][0] += found.packets
            totals[kind][1] += found.octets
            totals[kind][2] += found.errors if stream.rides is None else 0
        _add_ssrc(ssrcs, stream, counters(stream.rtp.local, stream.index))
    return {
        b"created": int(call.created_wall),
        b"created_us": int(call.created_wall * 1e6) % 1_000_000,
        b"last signal": call.signalled_wall,
        b"SSRC": ssrcs,
        b"tags": tags,
        b"totals": {kind: _stats(*numbers) for kind, numbers in totals.items()},
        b"verdict": [one.word.encode() for one in findings],
        b"verdict text": [one.sentence.encode() for one in findings],
    }


def _streams(dialogues: list[Dialogue]) -> Iterator[Stream]:
    for dialogue in dialogues:
        for leg in (dialogue.caller, dialogue.callee):
            yield from (stream for stream in leg.streams if stream.pair is not None)


def _tag(dialogue: Dialogue, leg: Leg, key: bytes, counters: CountersOf) -> Document:
    other: Value = [{b"tag": dialogue.opposite(leg).tag, b"type": b"offer/answer"}]
    found: Document = {
        b"tag": key,
        b"created": leg.created_wall,
        b"subscriptions": other,
        b"subscribers": other,
        b"medias": [
            _media(index, stream, counters)
            for index, stream in enumerate(leg.streams, 1)
            if stream.pair is not None
        ],
    }
    if leg.label:
        found[b"label"] = leg.label
    if leg is dialogue.callee and dialogue.via_branch:
        found[b"via-branch"] = dialogue.via_branch
    return found


def _media(index: int, stream: Stream, counters: CountersOf) -> Document:
    flags: list[Value] = [b"initialized"]
    if stream.is_active:
        flags += [b"send"] if stream.is_held else [b"send", b"recv"]
    if stream.mux:
        flags.append(b"rtcp-mux")
    if stream.security.kind in _FLAGS:
        flags.append(_FLAGS[stream.security.kind])
    if stream.transport.ice is not None:
        flags.append(b"ICE")
    ends = [(stream.rtp, b"RTP")]
    if stream.is_rtp and len(stream.ends) == 2:
        ends.append((stream.rtcp, b"RTCP"))
    streams: list[Value] = [
        _stream(stream, end, kind, counters(end.local, stream.index)) for end, kind in ends
    ]
    found: Document = {
        b"index": index,
        b"type": stream.kind,
        b"protocol": stream.protocol,
        b"flags": flags,
        b"streams": streams,
    }
    if stream.codec:
        found[b"codec"] = stream.codec
    return found


def _stream(stream: Stream, end: Endpoint, kind: bytes, found: Counters) -> Document:
    flags: list[Value] = [kind]
    if stream.mux and kind == b"RTP":
        flags.append(b"RTCP")
    if end.signalled or end.source:
        flags.append(b"filled")
    if end.source:
        flags.append(b"confirmed")
    document: Document = {
        b"local port": end.local[1],
        b"local address": socket_of(end.local)[0].encode(),
        b"family": _family(end.local[0]),
        b"endpoint": _endpoint(end.source or end.signalled),
        b"advertised endpoint": _endpoint(end.signalled),
        b"last packet": end.last_packet_wall,
        b"flags": flags,
        b"stats": _stats(found.packets, found.octets, found.errors)
        | {
            b"expected": found.expected,
            b"lost": found.lost,
            b"strangers": found.strangers,
            b"undecryptable": found.undecryptable,
            b"jitter us": int(found.jitter_seconds * 1e6),
        },
    }
    if found.ssrc:
        document[b"SSRC"] = found.ssrc
    return document


def _add_ssrc(ssrcs: Document, stream: Stream, found: Counters) -> None:
    """Quality of what this side sends, as we hear it; its round trip if its reports told it."""
    if not found.ssrc or not found.expected:
        return
    round_trip = stream.hearsay.round_trip_seconds or 0.0
    loss = found.lost / found.expected
    score = mean_opinion_score(
        loss_fraction=loss, jitter_seconds=found.jitter_seconds, round_trip_seconds=round_trip
    )
    quality: Document = {
        b"MOS": round(10 * score),
        b"packet loss": round(100 * loss),
        b"jitter": round(1000 * found.jitter_seconds),
        b"round-trip time": int(1e6 * round_trip),
        b"samples": 1,
    }
    document: Document = {
        b"average MOS": quality,
        b"lowest MOS": quality,
        b"highest MOS": quality,
    }
    if stream.history.samples:
        document[b"MOS progression"] = _progression(stream.history)
    ssrcs[b"%d" % found.ssrc] = document


def _progression(history: History) -> Document:
    """As rtpengine has it; loss and jitter of each entry are more than it says."""
    entries: list[Value] = [
        {
            b"timestamp": sample.at,
            b"MOS": round(10 * sample.mos),
            b"packet loss": round(100 * sample.loss_fraction),
            b"jitter": round(1000 * sample.jitter_seconds),
        }
        for sample in history.samples
    ]
    return {b"interval": int(history.step), b"entries": entries}


def _endpoint(address: Address | None) -> Document:
    host, port = address or ("0.0.0.0", 0)  # noqa: S104  (as rtpengine says "none")
    return {b"family": _family(host), b"address": host.encode(), b"port": port}


def _family(host: str) -> bytes:
    return b"IPv6" if ":" in host else b"IPv4"


def _stats(packets: int, octets: int, errors: int) -> Document:
    return {b"packets": packets, b"bytes": octets, b"errors": errors}
