"""Lines wait for company, but not when they matter."""

from __future__ import annotations

import asyncio
import io
import logging

import pytest

from proxy.observe.log_lines import FLUSH_SECONDS, LineLogger, LogLines, flush


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


def test_a_logger_writes_its_plain_lines_without_a_record() -> None:
    stream = io.StringIO()
    logger = LineLogger("proxy.test", logging.INFO)
    logger.lines = LogLines(stream)
    logger.info("call begun call_id=%s share=%d%%", "a", 7)
    logger.info("100% plain")
    logger.debug("not wanted")
    written = [line.split(" ", 2)[2] for line in stream.getvalue().splitlines()]
    assert written == [
        "INFO proxy.test call begun call_id=a share=7%",
        "INFO proxy.test 100% plain",
    ]


def test_a_logger_leaves_what_is_not_plain_to_handlers() -> None:
    stream = io.StringIO()
    logger = LineLogger("proxy.test", logging.INFO)
    logger.addHandler(LogLines(stream))
    try:
        raise KeyError("a")
    except KeyError:
        logger.info("failed", exc_info=True)
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith(" INFO proxy.test failed")
    assert lines[-1] == "  KeyError: 'a'"


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("a\nWARNING forged", "a\n  WARNING forged"),
        ("a\r\x0b\x85\u2028b", r"a\r\x0b\x85\u2028b"),
        ("Zoë \\ 'x'", "Zoë \\ 'x'"),
    ],
)
def test_what_strangers_write_is_one_line_of_text(told: str, written: str) -> None:
    stream = io.StringIO()
    LogLines(stream).emit(record(logging.INFO, "call_id=%s", told))
    assert stream.getvalue().endswith(f" INFO proxy.test call_id={written}\n")
