"""Log lines that cost calls little: formatted at once, written together a few times a second.

A line per call is a system call per call otherwise. What waits is written at WARNING and above, at
the end of the process, and every FLUSH_SECONDS; a kill -9 loses the last moment's lines. Strangers
choose Call-IDs, names and texts in them: what is not printable is written as an escape, so that
nothing moves the cursor of a terminal, and what follows a line's end is indented.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import time
from typing import Any, Final, TextIO

FLUSH_SECONDS: Final = 0.2
_MOST_WAITING: Final = 1000


class LogLines(logging.Handler):
    """Writes lines to a stream in batches; without a running loop, one by one."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: list[str] = []
        self._second = 0
        self._stamp = ""
        self._is_armed = False

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        self.add(record.levelno, record.name, text, wall=record.created)

    def add(self, level: int, name: str, text: str, *, wall: float) -> None:
        """One line of a logger of that name, or several."""
        second = int(wall)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        if not text.isprintable():
            text = _printable(text)
        thousandths = int((wall - second) * 1000)
        level_name = logging.getLevelName(level)
        self._waiting.append(f"{self._stamp},{thousandths:03} {level_name} {name} {text}\n")
        if level >= logging.WARNING or len(self._waiting) >= _MOST_WAITING:
            self.flush()
        elif not self._is_armed:
            self._arm()

    def flush(self) -> None:
        if self._waiting:
            text = "".join(self._waiting)
            self._waiting.clear()
            self._stream.write(text)
            self._stream.flush()

    def _arm(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        self._is_armed = True
        loop.call_later(FLUSH_SECONDS, self._fire)

    def _fire(self) -> None:
        self._is_armed = False
        self.flush()


def _printable(text: str) -> str:
    """A line, or a traceback, with its unprintable characters as Python writes them."""
    return "\n  ".join(
        line if line.isprintable() else repr(line)[1:-1] for line in text.split("\n")
    )


def flush() -> None:
    """Write what waits, so that what is written next to standard error is the last line."""
    for handler in logging.getLogger().handlers:
        handler.flush()


class LineLogger(logging.Logger):
    """A logger whose plain INFO lines, two of each call, go where all go without a LogRecord."""

    lines: LogLines

    def info(self, msg: object, *args: object, **options: Any) -> None:
        if options:
            super().info(msg, *args, **options)
        elif self.isEnabledFor(logging.INFO):
            text = str(msg) % args if args else str(msg)
            self.lines.add(logging.INFO, self.name, text, wall=time.time())


def set_up(level: str) -> None:
    """Log to standard error from that level on, in loggers that are made from now on; raises
    ValueError for an unknown level."""
    # Nobody prints these, and finding them out costs more than the line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # documented in logging's howto
    lines = LogLines(sys.stderr)
    atexit.register(lines.flush)
    root = logging.getLogger()
    root.addHandler(lines)
    root.setLevel(level)
    LineLogger.lines = lines
    logging.setLoggerClass(LineLogger)
