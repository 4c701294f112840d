"""Batches on disk: in order, bounded, and whole after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.observe.spool import Batch, Spool


def batch(number: int) -> Batch:
    return {"calls": [{"number": number}]}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool" / "calls.jsonl", most_bytes=200)


def test_in_order_and_once(spool: Spool) -> None:
    assert spool.append(batch(1))
    assert spool.append(batch(2))
    assert list(spool.batches()) == [batch(1), batch(2)]
    assert list(spool.batches()) == []
    assert spool.waiting_bytes == 0
    assert spool.append(batch(3))
    assert list(spool.batches()) == [batch(3)]


def test_what_was_not_used_up_comes_again(spool: Spool) -> None:
    for number in (1, 2, 3):
        spool.append(batch(number))
    reading = spool.batches()
    assert [next(reading), next(reading)] == [batch(1), batch(2)]
    reading.close()  # writing the second one failed
    spool.append(batch(4))
    assert list(spool.batches()) == [batch(2), batch(3), batch(4)]


def test_there_is_no_more_room_than_given(spool: Spool) -> None:
    taken = [spool.append(batch(number)) for number in range(20)]
    assert taken.index(False) == 8
    list(spool.batches())
    assert spool.append(batch(1))


def test_a_line_that_a_kill_cut_short_is_left_out(spool: Spool, tmp_path: Path) -> None:
    spool.append(batch(1))
    file = tmp_path / "spool" / "calls.jsonl"
    file.write_bytes(file.read_bytes() + b'{"calls": [{"num')
    assert Spool(file, most_bytes=200).append(batch(2))
    assert list(Spool(file, most_bytes=200).batches()) == [batch(1), batch(2)]


def test_nobody_else_on_the_machine_reads_them(spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o755)
    assert spool.append(batch(1))
    assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not Spool(tmp_path / "file" / "calls.jsonl", most_bytes=200).append(batch(1))
