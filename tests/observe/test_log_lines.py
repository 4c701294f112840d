"""Lines wait for company, but not when they matter."""

from __future__ import annotations

import asyncio
import io
import logging

from proxy.observe.log_lines import FLUSH_SECONDS, LogLines, flush


def record(level: int, text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("proxy.test", level, __file__, 1, text, args, None)


def test_without_a_loop_each_line_is_written_at_once() -> None:
    stream = io.StringIO()
    LogLines(stream).emit(record(logging.INFO, "ready node=%s", "a"))
    assert stream.getvalue().endswith(" INFO proxy.test ready node=a\n")


async def test_lines_are_written_together() -> None:
    stream = io.StringIO()
    lines = LogLines(stream)
    lines.emit(record(logging.INFO, "one"))
    lines.emit(record(logging.INFO, "two"))
    assert stream.getvalue() == ""
    written = asyncio.Event()
    asyncio.get_running_loop().call_later(FLUSH_SECONDS * 1.5, written.set)
    await written.wait()
    assert [line.rsplit(" ", 1)[1] for line in stream.getvalue().splitlines()] == ["one", "two"]


async def test_a_warning_takes_what_waits_with_it() -> None:
    stream = io.StringIO()
    lines = LogLines(stream)
    lines.emit(record(logging.INFO, "one"))
    lines.emit(record(logging.WARNING, "two"))
    assert len(stream.getvalue().splitlines()) == 2


async def test_what_waits_is_written_before_a_last_word() -> None:
    stream = io.StringIO()
    lines = LogLines(stream)
    logging.getLogger().addHandler(lines)
    try:
        lines.emit(record(logging.INFO, "one"))
        assert stream.getvalue() == ""
        flush()
        assert stream.getvalue().endswith(" one\n")
    finally:
        logging.getLogger().removeHandler(lines)
