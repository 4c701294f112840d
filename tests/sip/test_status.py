"""Reason phrases."""

from __future__ import annotations

import pytest

from proxy.sip.status import REASONS, reason_of


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (100, b"Trying"),
        (407, b"Proxy Authentication Required"),
        (430, b"Flow Failed"),
        (199, b"Early Dialog Terminated"),
        (299, b"OK"),
        (499, b"Client Error"),
        (599, b"Server Error"),
        (699, b"Failure"),
    ],
)
def test_reason(status: int, reason: bytes) -> None:
    assert reason_of(status) == reason


def test_all_are_statuses_and_plain_text() -> None:
    for status, reason in REASONS.items():
        assert 100 <= status <= 699
        assert reason.isascii()
        assert reason.strip() == reason != b""
