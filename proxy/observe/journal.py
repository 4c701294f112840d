"""What became of calls and is not in PostgreSQL yet, on disk at once: begun, answered, ended.

One line of JSON for each, a batch of its own as in the spool. A kill of the process loses none: the
next life writes what is left here, in order. What the kernel has not put on the disk yet is lost
with the machine alone.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from .encoding import encoded
from .spool import Batch, batch_of, make_folder

log = logging.getLogger(__name__)

_REWRITTEN_FROM: Final = 1_000_000
"""Bytes: below that, lines that may go stay beside those that may not."""


class Journal:
    """One file. Without room, or without a disk, calls wait in memory alone, and that is logged."""

    __slots__ = (
        "_file",
        "_is_failing",
        "_left_bytes",
        "_most_bytes",
        "_path",
        "_rewritten_from",
        "_size",
    )

    def __init__(
        self, path: Path, *, most_bytes: int, rewritten_from: int = _REWRITTEN_FROM
    ) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._rewritten_from = rewritten_from
        self._file = -1
        self._size = 0
        self._left_bytes = path.stat().st_size if path.exists() else 0  # and not read yet
        self._is_failing = False

    def add(self, batch: Batch) -> bytes:
        """Keep a batch; its line, for `keep_only`."""
        line = encoded(batch) + b"\n"
        if self._size + len(line) > self._most_bytes:
            self._failed("it is full")
            return line
        try:
            if self._file < 0:
                self._open()
            if os.write(self._file, line) < len(line):  # there was room for a part
                os.ftruncate(self._file, self._size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._failed(str(error))
        else:
            self._size += len(line)
        return line

    def keep_only(self, lines: Iterable[bytes]) -> None:
        """All but these are in PostgreSQL, or in the spool; not before what an earlier life left
        has been read."""
        left = b"".join(lines)
        if self._left_bytes or self._size == len(left):
            return
        if left and self._size < self._rewritten_from:
            return
        try:
            if left:
                self._replace(left)
            else:
                os.ftruncate(self._file, 0)
        except OSError as error:
            self._failed(str(error))
        else:
            self._size, self._is_failing = len(left), False

    def batches(self) -> Iterator[Batch]:
        """What an earlier life has left, and nothing of this one's calls, which may go on; raises
        nothing for lines that are broken."""
        if not self._left_bytes:
            return
        with self._path.open("rb") as file:
            while file.tell() < self._left_bytes:
                batch = batch_of(file.readline())
                if batch is not None:
                    yield batch
        self._left_bytes = 0
        if self._file < 0:
            self._open()

    def close(self) -> None:
        """An empty file is taken away."""
        if self._file < 0:
            return
        os.close(self._file)
        self._file = -1
        if not self._size and not self._left_bytes:
            self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        make_folder(self._path)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._file).st_size
        if self._size and os.pread(self._file, 1, self._size - 1) != b"\n":  # cut short by a kill
            self._size += os.write(self._file, b"\n")

    def _replace(self, left: bytes) -> None:
        """At once, so that a kill leaves the one or the other."""
        made = self._path.with_suffix(".new")
        made.write_bytes(left)
        made.replace(self._path)
        os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)

    def _failed(self, reason: str) -> None:
        if not self._is_failing:
            self._is_failing = True
            log.error("calls wait in memory alone path=%s reason=%s", self._path, reason)
