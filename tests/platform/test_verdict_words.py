"""Each word of the relay about the sound has a sentence in the platform; none is left over."""

from __future__ import annotations

from fedsip_platform.calls.verdict import FAULTS, REMARKS
from media.verdict import SIDES, What


def test_the_platform_has_a_sentence_for_each_word_of_the_relay() -> None:
    assert {f"{what}_{side}" for what in What for side in SIDES} == {*FAULTS, *REMARKS}


def test_the_sentences_differ() -> None:
    sentences = [*FAULTS.values(), *REMARKS.values()]
    assert len(set(sentences)) == len(sentences)
