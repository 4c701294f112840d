"""The calls that have just ended: whole after a kill, gone when they are written."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from proxy.observe.journal import Journal
from proxy.observe.spool import Batch

ONE: Batch = {"calls": [{"number": 1}], "gone": []}
TWO: Batch = {"calls": [{"number": 2}], "gone": ["2"]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "ended.jsonl"


def journal(path: Path, most_bytes: int = 1000, rewritten_from: int = 0) -> Journal:
    return Journal(path, most_bytes=most_bytes, rewritten_from=rewritten_from)


def test_what_a_kill_leaves(path: Path) -> None:
    killed = journal(path)
    killed.add(ONE)
    killed.add(TWO)
    later = journal(path)
    assert list(later.batches()) == [ONE, TWO]
    assert list(later.batches()) == []
    later.keep_only([])
    assert path.read_bytes() == b""
    later.close()
    assert not path.exists()


def test_a_line_that_a_kill_cut_short_is_left_out(path: Path) -> None:
    journal(path).add(ONE)
    path.write_bytes(path.read_bytes() + b'{"calls": [{"num')
    journal(path).add(TWO)
    assert list(journal(path).batches()) == [ONE, TWO]


def test_what_this_life_adds_is_not_taken_for_an_earlier_ones(path: Path) -> None:
    journal(path).add(ONE)
    later = journal(path)
    later.add(TWO)
    assert list(later.batches()) == [ONE]
    assert list(journal(path).batches()) == [ONE, TWO]


def test_what_is_not_written_yet_stays(path: Path) -> None:
    one = journal(path)
    one.add(ONE)
    two = one.add(TWO)
    one.keep_only([two])
    assert list(journal(path).batches()) == [TWO]
    one.add(ONE)
    assert list(journal(path).batches()) == [TWO, ONE]


def test_a_small_one_is_not_written_again_for_what_stays(path: Path) -> None:
    one = journal(path, rewritten_from=1000)
    one.add(ONE)
    two = one.add(TWO)
    one.keep_only([two])
    assert list(journal(path).batches()) == [ONE, TWO]
    one.keep_only([])
    assert list(journal(path).batches()) == []


def test_nothing_is_given_up_before_it_was_read(path: Path) -> None:
    journal(path).add(ONE)
    later = journal(path)
    later.add(TWO)
    later.keep_only([])
    later.close()
    assert list(journal(path).batches()) == [ONE, TWO]


def test_without_room_or_disk_calls_go_on(path: Path, tmp_path: Path) -> None:
    small = journal(path, most_bytes=60)
    small.add(ONE)
    small.add(TWO)
    assert list(journal(path).batches()) == [ONE]
    (tmp_path / "file").write_text("")
    journal(tmp_path / "file" / "ended.jsonl").add(ONE)


def test_a_line_for_which_the_disk_has_half_the_room_is_no_line(path: Path) -> None:
    kept = journal(path)
    kept.add(ONE)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, most[1]))
    try:
        kept.add(TWO)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    kept.add(TWO)
    assert list(journal(path).batches()) == [ONE, TWO]
