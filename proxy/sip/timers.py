"""Timer values of RFC 3261 table 4, all in seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TimerSettings:
    """T1: round-trip estimate; T2: longest retransmit interval; T4: longest life in the net."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0
