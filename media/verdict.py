"""What was wrong with the sound of an answered call, as a word and as a sentence. Pure.

Words are `what_SIDE` with a `What` and SIDE caller or callee, for programs; the sentence of each
is for people, in rtpengine's dictionary under `verdict` and `verdict text`. A side that nobody
expected to talk (hold, a refused section) is not blamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from media.dialogue import Dialogue, Leg
from media.endpoint import Endpoint
from media.forward.engine import Counters
from media.forward.rule import Address
from media.security import DTLS
from media.stream import Stream

_MUCH_LOSS = 0.05
_LEAST_EXPECTED = 50  # a second of sound: a share of less says nothing
SIDES = ("caller", "callee")


class What(StrEnum):
    """All that can be wrong. Who shows calls has words of its own for each of them."""

    NO_CHECK = "no_check"
    """ICE is spoken, and no check came."""
    BAD_CHECKS = "bad_checks"
    """All checks were refused."""
    NO_NOMINATION = "no_nomination"
    """Checks came, none nominated."""
    NO_DTLS = "no_dtls"
    """No handshake was begun."""
    DTLS_FAILED = "dtls_failed"
    """It was begun and failed."""
    UNDECRYPTABLE = "undecryptable"
    """More could not be decrypted than could."""
    NO_MEDIA = "no_media"
    """Nothing came."""
    OTHER_ADDRESS = "other_address"
    """It came from elsewhere than was said."""
    LOSS = "loss"
    """More than 5 % never came."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was wrong."""

    word: str
    sentence: str


def verdict(
    dialogue: Dialogue,
    counters: Callable[[Address, int], Counters],
    failure: Callable[[Endpoint], str],
) -> list[Finding]:
    """What was wrong, the caller's side first; empty when all was well or nobody answered."""
    found: list[Finding] = []
    if not dialogue.is_answered:
        return found
    for side, leg in zip(SIDES, (dialogue.caller, dialogue.callee), strict=True):
        name = _name(side, leg)
        for index, stream in enumerate(leg.streams):
            other = dialogue.opposite(leg).streams[index : index + 1]
            if stream.pair is None:
                continue
            if not stream.is_active or not (other and other[0].is_active):
                continue
            may_be_silent = stream.only_listens or stream.is_held or other[0].is_held
            count = counters(stream.rtp.local, index)
            for what, sentence in _of(stream, name, count, failure, may_be_silent=may_be_silent):
                finding = Finding(f"{what}_{side}", sentence)
                if finding not in found:
                    found.append(finding)
    return found


def _name(side: str, leg: Leg) -> str:
    """The label that the proxy gave this side, else what it is."""
    return leg.label.decode(errors="replace") or f"the {side}"


def _of(
    stream: Stream,
    name: str,
    count: Counters,
    failure: Callable[[Endpoint], str],
    *,
    may_be_silent: bool,
) -> Iterator[tuple[What, str]]:
    """The first thing that explains silence; then what was wrong with what came. What rides on
    another section's port is not judged but by its own loss. RTCP alone is silence: browsers send
    it whether they have a microphone or not."""
    if stream.rides is not None:
        yield from _loss(name, count)
        return
    if stream.is_rtp and not count.expected and not may_be_silent:
        yield _silence(stream, name, count, failure)
        return
    if not count.packets:
        return
    signalled, source = stream.rtp.signalled, stream.rtp.source
    if stream.ice is None and signalled and source and signalled[0] != source[0]:
        yield (
            What.OTHER_ADDRESS,
            f"packets arrived from {source[0]} but {name} had named {signalled[0]}",
        )
    if count.undecryptable > count.packets:
        yield (
            What.UNDECRYPTABLE,
            f"{count.undecryptable} packets of {name} could not be decrypted",
        )
    yield from _loss(name, count)


def _loss(name: str, count: Counters) -> Iterator[tuple[What, str]]:
    if count.expected >= _LEAST_EXPECTED and count.lost > _MUCH_LOSS * count.expected:
        percent = 100 * count.lost / count.expected
        yield What.LOSS, f"{percent:.0f} % of the packets of {name} never arrived"


def _silence(
    stream: Stream, name: str, count: Counters, failure: Callable[[Endpoint], str]
) -> tuple[What, str]:
    security, port = stream.security, stream.rtp.local[1]
    if stream.ice is not None and stream.checks:
        component = stream.ice.components[1]
        if not component.was_checked:
            if stream.ice.refused:
                return What.BAD_CHECKS, f"ICE: all checks of {name} were refused: wrong password?"
            return (
                What.NO_CHECK,
                f"ICE: no check of {name} arrived; is UDP to port {port} open?",
            )
        if stream.rtp.source is None:
            return What.NO_NOMINATION, f"ICE: {name} never nominated a pair, or its consent ended"
    if security.kind == DTLS and stream.rtp.unprotect is None:
        why = failure(stream.rtp)
        if why:
            return What.DTLS_FAILED, f"DTLS with {name} never finished: {why}"
        return What.NO_DTLS, f"DTLS with {name} never began; is UDP to port {port} open?"
    if count.undecryptable:
        return (
            What.UNDECRYPTABLE,
            f"{count.undecryptable} packets of {name} could not be decrypted",
        )
    return What.NO_MEDIA, f"{name} never sent RTP"
