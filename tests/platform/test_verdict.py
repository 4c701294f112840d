"""What is said of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fedsip_platform.calls.models import CallRecord, LiveCall
from fedsip_platform.calls.verdict import evidence, is_bad, lasting, quality_of, sentence

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
BOTH = [{"sender": "caller", "packets": 9000}, {"sender": "callee", "packets": 9000}]
TALK = {
    "caller": "sip:alice@example.com",
    "callee": "sip:bob@elsewhere.org",
    "request_uri": "sip:bob@elsewhere.org;user=phone",
    "started_at": NOW - timedelta(seconds=190),
    "answered_at": NOW - timedelta(seconds=180),
    "ended_at": NOW,
    "status": 200,
    "reason": "BYE",
    "ended_by": "callee",
}
MISSED = {**TALK, "answered_at": None}
WHO = "alice called bob@elsewhere.org"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, f"{WHO} for 3 min; bob@elsewhere.org hung up."),
        (
            {"media": BOTH, "mos": 4.2},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; sound both ways, good.",
        ),
        (
            {"media": BOTH, "mos": 2.0, "ended_by": "caller"},
            f"{WHO} for 3 min; alice hung up; sound both ways, poor.",
        ),
        (
            {"media": BOTH[:1]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; nothing was heard from the callee.",
        ),
        (
            {"media": [{"sender": "caller", "packets": 0}]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; no sound in either direction.",
        ),
        (
            {"media": BOTH, "mos": 3.3, "verdict": ["loss_callee", "a word of tomorrow"]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; many packets of the callee were lost.",
        ),
        (
            {"media": BOTH[:1], "verdict": ["no_check_callee"]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up;"
            " nothing was heard from the callee, whose ICE checks never arrived.",
        ),
        (
            {"verdict": ["no_media_caller", "no_media_callee"]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; no sound in either direction.",
        ),
        (
            {"media": BOTH, "mos": 4.2, "verdict": ["other_address_caller"]},
            f"{WHO} for 3 min; bob@elsewhere.org hung up; sound both ways, good,"
            " the caller sent from another address than named.",
        ),
        (
            {"ended_by": "proxy", "reason": "Media silent"},
            f"{WHO} for 3 min; the platform ended it (Media silent).",
        ),
    ],
)
def test_calls_that_were_answered(changes: dict[str, Any], said: str) -> None:
    assert sentence(CallRecord(**{**TALK, **changes}), now=NOW) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": 486, "reason": "Busy Here"}, f"{WHO}, who was busy (486 Busy Here)."),
        (
            {"status": 487, "ringing_at": NOW - timedelta(seconds=20)},
            f"{WHO} and let it ring for 20 s and gave up.",
        ),
        ({"status": 487}, f"{WHO} and gave up."),
        (
            {"status": 403, "reason": "Relaying denied", "ended_by": "proxy"},
            f"{WHO}, which is not allowed (Relaying denied).",
        ),
        ({"status": 499, "reason": "Odd"}, f"{WHO}; it failed with 499 Odd."),
    ],
)
def test_calls_that_were_not(changes: dict[str, Any], said: str) -> None:
    assert sentence(CallRecord(**{**MISSED, **changes}), now=NOW) == said


def hop(address: str, outcome: str, reason: str) -> dict[str, Any]:
    row = {"target": "sip:bob@elsewhere.org", "address": address, "leads": [], "status": 0}
    return {**row, "at": NOW.isoformat(), "outcome": outcome, "reason": reason}


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        (CallRecord(**TALK, verdict=["loss_caller"], verdict_text=["a", "b"]), ["a", "b"]),
        (CallRecord(**TALK, verdict=["other_address_caller"], verdict_text=["a"]), []),
        (CallRecord(**MISSED, hops=[hop("", "failed", "no address")]),
         ["bob@elsewhere.org: not reached: no address"]),
        (CallRecord(**MISSED, hops=[
            hop("udp 192.0.2.1:5060", "cancelled", ""),
            hop("udp 192.0.2.2:5060", "refused", "Busy Here"),
            hop("udp 192.0.2.3:5060", "failed", "udp 192.0.2.3:5060: No route to host"),
        ]), [
            "udp 192.0.2.2:5060: refused: Busy Here",
            "not reached: udp 192.0.2.3:5060: No route to host",
        ]),
        (LiveCall(caller=TALK["caller"]), []),
    ],
)  # fmt: skip
def test_what_shows_that_something_was_wrong(call: CallRecord | LiveCall, shown: list[str]) -> None:
    assert evidence(call) == shown


@pytest.mark.parametrize(
    ("verdict", "bad"),
    [
        ([], False),
        (["other_address_callee"], False),
        (["loss_caller"], True),
        (["other_address_callee", "loss_caller"], True),
        (["a word of tomorrow"], True),
    ],
)
def test_whether_the_sound_was_bad(verdict: list[str], bad: bool) -> None:
    assert is_bad(CallRecord(**TALK, verdict=verdict)) is bad


def test_calls_that_go_on() -> None:
    shared = {"caller": TALK["caller"], "request_uri": "sip:carol@example.com", "started_at": NOW}
    rings, talks = LiveCall(**shared), LiveCall(**shared, answered_at=NOW - timedelta(hours=2))
    assert sentence(rings, now=NOW) == "alice is calling carol, which rings."
    assert sentence(talks, now=NOW) == "alice has been talking to carol for 2 h 0 min."


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1 h 30 min")],
)
def test_durations(seconds: float, said: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == said


def test_quality_in_words() -> None:
    assert [quality_of(mos) for mos in (None, 4.4, 3.8, 3.5, 1.0)] == [
        "", "good", "good", "fair", "poor",
    ]  # fmt: skip
