"""Which codecs of an offer the other side is to see: NG's `codec` dictionary and flags. Pure.

    {"codec": {"strip": ["all"], "offer": ["PCMA", "opus"], "except": ["telephone-event"]}}
    "codec-strip-all codec-offer-PCMA codec-offer-opus"

`strip` and `mask` take codecs out (`all` and `full`: every one; there is no transcoding, so that
what is masked is gone as well); `except` and `offer` leave theirs in, and `offer` brings them to
the front in its order. A name may be followed by clock rate and channels: opus/48000/2.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.ng.bencode import Document, Value

_EVERYTHING = (b"all", b"full")
_WORDS = (b"strip", b"mask", b"except", b"offer")
FLAGS = tuple((b"codec-%b-" % word, word) for word in _WORDS)


@dataclass(frozen=True, slots=True)
class CodecChoice:
    """What is to go, what is to stay, what is to come first; all empty: as it was offered."""

    strip: tuple[bytes, ...] = ()
    excepted: tuple[bytes, ...] = ()
    offer: tuple[bytes, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.strip or self.offer)

    @property
    def strips_all(self) -> bool:
        return any(word in _EVERYTHING for word in self.strip)

    def document(self) -> Document:
        """The dictionary under `codec`, without what says nothing."""
        named = ((b"strip", self.strip), (b"except", self.excepted), (b"offer", self.offer))
        return {name: list(words) for name, words in named if words}


def parse_codecs(value: Value | None) -> CodecChoice:
    """The choice in a dictionary; what is malformed says nothing."""
    if not isinstance(value, dict):
        return CodecChoice()
    found = {word: _names(value.get(word)) for word in _WORDS}
    return CodecChoice(found[b"strip"] + found[b"mask"], found[b"except"], found[b"offer"])


def _names(value: Value | None) -> tuple[bytes, ...]:
    if isinstance(value, bytes):
        value = [value]
    if not isinstance(value, list):
        return ()
    return tuple(one.lower() for one in value if isinstance(one, bytes) and one)
