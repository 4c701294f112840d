"""What a person sees while fedsip starts: one line for each step, and how long it took."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and that it is done; a failure leaves the line as it stands."""
    began = time.monotonic()
    if sys.stdout.isatty():
        print(f"  {what} ...", end="", flush=True)
    yield
    done(what, time.monotonic() - began)


def done(what: str, seconds: float) -> None:
    """One finished step."""
    start = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(f"{start}  {what:<40} {seconds:5.1f} s", flush=True)


def say(text: str) -> None:
    """One line on its own."""
    print(text, flush=True)


def complain(text: str) -> None:
    """One line about what went wrong, on standard error and never on a half-written line."""
    with contextlib.suppress(OSError):  # where it is written may be the disk that is full
        if sys.stdout.isatty():
            print(flush=True)
        print(f"fedsip: {text}", file=sys.stderr, flush=True)
