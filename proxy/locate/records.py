"""What the DNS answers in locating a server: NAPTR and SRV records, and addresses as text. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Naptr:
    order: int
    preference: int
    flags: str
    service: str
    replacement: str
    regexp: str = ""


@dataclass(frozen=True, slots=True)
class Srv:
    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str


def zone_text(record: Record) -> str:
    """The record's data as a zone file has it."""
    match record:
        case Naptr():
            return (
                f'{record.order} {record.preference} "{record.flags}" "{record.service}"'
                f' "{record.regexp}" {record.replacement}'
            )
        case Srv():
            return f"{record.priority} {record.weight} {record.port} {record.target}"
        case _:
            return record
