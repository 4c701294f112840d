"""Some rows of one table, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedsip_platform.changes import ServiceError

from .sources import Row

Numbered = tuple[int, Row]
Problem = tuple[str, str, str]
"""Table, column and reason; the table is empty where it concerns all."""
Rows = tuple[int, int]
"""The first of them, and how many."""


@dataclass(slots=True)
class Report:
    """What was made of each table, what was there already, and what is wrong with which row."""

    made: dict[str, int] = field(default_factory=dict)
    known: int = 0
    found: dict[Problem, Rows] = field(default_factory=dict)

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Row, or rows, and reason: what is wrong with many in the same way is said once."""
        return [(_where(problem, rows), problem[2]) for problem, rows in self.found.items()]

    def refuse(self, problem: Problem, rows: Rows) -> None:
        """Note what is wrong with a row, or with some."""
        before = self.found.get(problem)
        amount = rows[1] + (0 if before is None else before[1])
        self.found[problem] = (rows[0] if before is None else before[0], amount)

    def add(self, other: Report) -> None:
        """Note what became of further rows."""
        for table, amount in other.made.items():
            self.made[table] = self.made.get(table, 0) + amount
        self.known += other.known
        for problem, rows in other.found.items():
            self.refuse(problem, rows)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows with their numbers in their table."""

    report: Report
    table: str
    rows: list[Numbered]

    def count(self, is_new: bool, amount: int = 1) -> None:
        """Note that so many were made, or were there already."""
        if is_new:
            self.report.made[self.table] = self.report.made.get(self.table, 0) + amount
        else:
            self.report.known += amount

    def refuse(self, number: int, error: ServiceError) -> None:
        """Note what is wrong with a row."""
        for name, reason in error.problems:
            self.report.refuse((self.table, name, reason), (number, 1))


def _where(problem: Problem, rows: Rows) -> str:
    table, name, _reason = problem
    if not table:
        return ""
    first, amount = rows
    further = f" and {amount - 1} more" if amount > 1 else ""
    return f"{table} row {first}{further}" + (f" {name}" if name else "")
