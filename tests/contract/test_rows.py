"""Every row of behaviour that tests/routing/ROWS.md lists has the test that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = re.findall(
    r"^\| (s[\d. s]+.*?) \| (tests/\S+) \|$",
    (ROOT / "tests/routing/ROWS.md").read_text(),
    re.MULTILINE,
)


def test_there_are_rows() -> None:
    assert {row[:2] for row, _ in ROWS} == {"s2", "s3", "s5", "s7"}


@pytest.mark.parametrize(("row", "named"), ROWS, ids=[row for row, _ in ROWS])
def test_a_row_has_its_test(row: str, named: str) -> None:
    path, _, test = named.partition("::")
    source = (ROOT / path).read_text()
    assert f"def {test}(" in source if test else "def test_" in source
