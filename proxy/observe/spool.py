"""Batches that wait on disk while PostgreSQL is away: one line of JSON each, in order.

What was appended survives a kill of the process. A line that a kill cut short is left out. The file
is bounded; what does not fit is refused and counted by the caller.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .encoding import encoded

log = logging.getLogger(__name__)

Batch = dict[str, list[Any]]


class Spool:
    """One file of batches. Reading does not remove: `taken` does, when all was read."""

    __slots__ = ("_most_bytes", "_offset", "_path")

    def __init__(self, path: Path, *, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._offset = 0

    @property
    def waiting_bytes(self) -> int:
        """How much waits."""
        try:
            return self._path.stat().st_size - self._offset
        except FileNotFoundError:
            return 0

    def append(self, batch: Batch) -> bool:
        """Keep a batch; False when there is no room, or no disk."""
        line = encoded(batch) + b"\n"
        try:
            if self.waiting_bytes + len(line) > self._most_bytes:
                return False
            make_folder(self._path)
            with self._path.open("ab") as file:
                if file.tell() and not self._ends_in_line():
                    file.write(b"\n")  # a kill cut the last one short
                file.write(line)
        except OSError as error:
            log.error("spool cannot be written path=%s reason=%s", self._path, error)
            return False
        return True

    def batches(self) -> Iterator[Batch]:
        """Every batch that waits, the oldest first; each is gone from here when the next is asked
        for, and the file when the last one was."""
        if not self.waiting_bytes:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            while line := file.readline():
                batch = batch_of(line)
                if batch is not None:
                    yield batch
                self._offset = file.tell()
        self._path.unlink(missing_ok=True)
        self._offset = 0

    def _ends_in_line(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


def make_folder(path: Path) -> None:
    """The folder of a file that tells who called whom: for nobody else on the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)


def batch_of(line: bytes) -> Batch | None:
    """The batch of a line; None for one that is broken."""
    try:
        batch = json.loads(line)
    except ValueError:
        log.warning("spool has a broken line length=%d", len(line))
        return None
    return batch if isinstance(batch, dict) else None
