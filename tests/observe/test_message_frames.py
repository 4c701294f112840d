"""Frames come out as they went in, and what is no frame is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe.message_frames import PassedMessage, flow_line, frame, messages_in

ENDS = [
    ("udp", "192.0.2.1:5060", "198.51.100.7:5060"),
    ("wss", "[2001:db8::1]:5061", "[2001:db8::2]:40000"),
]
FLOWS = "\n".join(flow_line(*ends) for ends in ENDS)
TWO = frame(b"one", at=1, is_sent=False, flow=0, size=5) + frame(
    b"", at=2**63, is_sent=True, flow=1, size=0
)


def test_layout() -> None:
    assert frame(b"abc", at=258, is_sent=True, flow=3, size=70_000) == (
        b"\0\0\0\0\0\0\x01\x02" b"\x01" b"\0\x03" b"\0\x01\x11\x70" b"\0\0\0\x03" b"abc"
    )  # fmt: skip


def test_two() -> None:
    assert list(messages_in(TWO, FLOWS)) == [
        PassedMessage(1, False, *ENDS[0], 5, b"one"),
        PassedMessage(2**63, True, *ENDS[1], 0, b""),
    ]
    assert list(messages_in(b"", "")) == []


MESSAGES = st.lists(
    st.tuples(
        st.integers(0, 2**64 - 1), st.booleans(), st.integers(0, 1), st.integers(0, 2**32 - 1),
        st.binary(max_size=40),
    )
)  # fmt: skip


@given(MESSAGES)
def test_any_come_back(messages: list[tuple[int, bool, int, int, bytes]]) -> None:
    frames = b"".join(
        frame(data, at=at, is_sent=is_sent, flow=flow, size=size)
        for at, is_sent, flow, size, data in messages
    )
    assert list(messages_in(frames, FLOWS)) == [
        PassedMessage(at, is_sent, *ENDS[flow], size, data)
        for at, is_sent, flow, size, data in messages
    ]


@pytest.mark.parametrize(
    ("frames", "flows"),
    [
        *((TWO[:length], FLOWS) for length in range(1, len(TWO)) if length != 22),
        (TWO, FLOWS.partition("\n")[0]),
        (TWO, "udp 192.0.2.1:5060"),
        (TWO, ""),
    ],
)
def test_what_is_none(frames: bytes, flows: str) -> None:
    with pytest.raises(ValueError, match="frame"):
        list(messages_in(frames, flows))
