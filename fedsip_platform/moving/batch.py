"""Some rows of one table, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from fedsip_platform.changes import ServiceError

from .sources import Row

Numbered = tuple[int, Row]


@dataclass(slots=True)
class Report:
    """What was made of each table, what was there already, and what is wrong with which row."""

    made: dict[str, int] = field(default_factory=dict)
    known: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Row and reason."""

    def add(self, other: Report) -> None:
        """Note what became of further rows."""
        for table, amount in other.made.items():
            self.made[table] = self.made.get(table, 0) + amount
        self.known += other.known
        self.problems += other.problems


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
            where = f"{self.table} row {number}" + (f" {name}" if name else "")
            self.report.problems.append((where, reason))
