"""What a relay says of a call's sound: streams by direction, from an NG answer. Pure.

The keys are rtpengine's, and a few that our relay adds (media/report.py). From rtpengine itself
comes what it has: packets, octets, and the codec that it heard, where our relay has the agreed one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from .text import as_text

Stream = dict[str, Any]
Document = Mapping[bytes, Any]

_MOST_STREAMS: Final = 16
_MOST_SAMPLES: Final = 100
_MOST_WORDS: Final = 10
_LONGEST_SENTENCE: Final = 200


def streams_of(answer: Document, *, caller_tag: bytes) -> list[Stream]:
    """One entry for each RTP stream that a side sends, the caller's first."""
    found: list[Stream] = []
    tags = answer.get(b"tags")
    scores = answer.get(b"SSRC")
    for tag, side in _documents(tags):
        sender = "caller" if tag == caller_tag else "callee"
        for media in _list(side.get(b"medias")):
            for stream in _list(media.get(b"streams")):
                if b"RTP" in (stream.get(b"flags") or ()):
                    found.append(_stream(sender, media, stream, scores))
    found.sort(key=lambda one: (one["sender"] != "caller", -one["packets"]))
    return found[:_MOST_STREAMS]


def verdict_of(answer: Document) -> list[str]:
    """The relay's words about the call, each once, if it has any."""
    words = answer.get(b"verdict")
    if not isinstance(words, list):
        return []
    named = [_text(word) for word in words if isinstance(word, bytes)]
    return list(dict.fromkeys(named))[:_MOST_WORDS]


def sentences_of(answer: Document) -> list[str]:
    """What the relay says for people about the same, with addresses and ports."""
    sentences = answer.get(b"verdict text")
    if not isinstance(sentences, list):
        return []
    said = [as_text(one)[:_LONGEST_SENTENCE] for one in sentences if isinstance(one, bytes)]
    return list(dict.fromkeys(said))[:_MOST_WORDS]


def _stream(sender: str, media: Document, stream: Document, scores: object) -> Stream:
    stats = stream.get(b"stats")
    stats = stats if isinstance(stats, dict) else {}
    quality = _quality(stream.get(b"SSRC"), scores)
    return {
        "sender": sender,
        "kind": _text(media.get(b"type")),
        "codec": _text(media.get(b"codec")).partition("/")[0],
        "packets": _number(stats.get(b"packets")),
        "octets": _number(stats.get(b"bytes")),
        "expected": _number(stats.get(b"expected")),
        "lost": _number(stats.get(b"lost")),
        "jitter_ms": round(_number(stats.get(b"jitter us")) / 1000, 2),
        "round_trip_ms": _in_units(quality.get(b"round-trip time"), 1000),
        "mos": _in_units(quality.get(b"MOS"), 10),
        **_series(stream.get(b"SSRC"), scores),
    }


def _series(ssrc: object, scores: object) -> dict[str, list[list[float]]]:
    """How it sounded over time: seconds of the epoch, MOS, loss in percent, jitter in ms; nothing
    for a call that was too short for it."""
    progression = _of_ssrc(ssrc, scores).get(b"MOS progression")
    entries = _list(progression.get(b"entries")) if isinstance(progression, dict) else []
    found = [
        [
            _number(one.get(b"timestamp")),
            _number(one.get(b"MOS")) / 10,
            _number(one.get(b"packet loss")),
            _number(one.get(b"jitter")),
        ]
        for one in entries[:_MOST_SAMPLES]
    ]
    return {"series": found} if found else {}


def _quality(ssrc: object, scores: object) -> Document:
    """What stands under the SSRC of a stream: MOS in tenths, round-trip time in microseconds."""
    average = _of_ssrc(ssrc, scores).get(b"average MOS")
    return average if isinstance(average, dict) else {}


def _of_ssrc(ssrc: object, scores: object) -> Document:
    if not isinstance(ssrc, int) or not isinstance(scores, dict):
        return {}
    found = scores.get(b"%d" % ssrc)
    return found if isinstance(found, dict) else {}


def _in_units(value: object, units: int) -> float | None:
    """None where nothing was measured, which the relay says as 0."""
    return round(value / units, 1) if isinstance(value, int) and value > 0 else None


def _documents(value: object) -> Iterator[tuple[bytes, Document]]:
    if isinstance(value, dict):
        yield from ((key, inner) for key, inner in value.items() if isinstance(inner, dict))


def _list(value: object) -> list[Document]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return as_text(value)[:50] if isinstance(value, bytes) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
