"""CPU time of a program and all it started, in nanoseconds, from the kernel's schedstat.

/proc/PID/stat counts in ticks of 10 ms and samples; schedstat is exact. A thread that has ended is
gone from it, so the programs measured here must keep their threads.
"""

from __future__ import annotations

import threading
from pathlib import Path


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            found.extend(int(child) for child in task.read_text().split())
    return found


def nanoseconds(pid: int) -> int:
    """CPU time so far of all threads of the tree."""
    total = 0
    for one in tree(pid):
        for task in Path(f"/proc/{one}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total


def settled(pid: int, *, quiet: float = 6.0) -> int:
    """CPU time after the clean-up of a run: `quiet` seconds later (timers B, F, H, J end then)."""
    threading.Event().wait(quiet)
    return nanoseconds(pid)


def idle_rate(pid: int, *, seconds: float = 3.0) -> float:
    """Nanoseconds of CPU that the program takes in a second without load."""
    before = nanoseconds(pid)
    threading.Event().wait(seconds)
    return (nanoseconds(pid) - before) / seconds
