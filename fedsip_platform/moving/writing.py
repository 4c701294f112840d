"""Writing the users or rules of a batch, within the limits of tenants, and into the audit log."""

from __future__ import annotations

from typing import Protocol, TypeVar

from fedsip_platform.audit import log
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Subscriber, Translation

from .batch import Batch

Made = TypeVar("Made", Subscriber, Translation)


class Limit(Protocol):
    """Refuses so many more in a domain, by a ServiceError."""

    def __call__(self, domain: Domain, *, adding: int) -> None: ...


def write(batch: Batch, new: list[tuple[int, Made]], refuse_above: Limit) -> None:
    """Make what is new, each with the number of its row, unless something is wrong."""
    _refuse_too_many(batch, new, refuse_above)
    if batch.report.problems:
        return  # all of it is undone: only further problems are of interest
    things = [thing for _, thing in new]
    if not things:
        return
    made = type(things[0]).objects.bulk_create(things)
    log.record_all(log.entry(log.CREATE, thing, log.values_of_new(thing)) for thing in made)
    batch.count(is_new=True, amount=len(made))


def _refuse_too_many(batch: Batch, new: list[tuple[int, Made]], refuse_above: Limit) -> None:
    adding: dict[int, list[tuple[int, Made]]] = {}
    for number, thing in new:
        adding.setdefault(thing.domain_id, []).append((number, thing))
    for things in adding.values():
        number, first = things[0]
        try:
            refuse_above(first.domain, adding=len(things))
        except ServiceError as error:
            batch.refuse(number, error)
