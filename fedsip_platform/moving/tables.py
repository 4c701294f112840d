"""From rows of the seed's, OpenSIPS' and Kamailio's tables to our domains, users and rules.

All or nothing: each bad row is reported with its table and number, and then nothing is made; or all
but the bad rows, where that is wanted. Rows are gone through in batches; what they are of each
table is in users.py and rules.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import bulk, services
from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant

from . import columns, rules, users
from .batch import Batch, Numbered, Report
from .sources import Reader, Row, rows_of

MOST_PROBLEMS = 100
ROWS_AT_ONCE = 500


class _Undo(Exception):
    """Undoes everything."""


def bring_in(
    files: Sequence[Mapping[str, Reader]],
    tenant: Tenant,
    *,
    is_rehearsal: bool = False,
    skips_bad: bool = False,
) -> Report:
    """Make all that the files have, for the tenant; or nothing, and say why. With `skips_bad` all
    but the rows of which it says why not. A rehearsal makes nothing either way. Raises SourceError,
    and then has made nothing."""
    report = Report()
    makers = _makers(tenant)
    try:
        with transaction.atomic():
            for table, rows in _batches(rows_of(files)):
                if skips_bad:
                    _make_what_can_be(makers[table], Batch(report, table, rows))
                    continue
                makers[table](Batch(report, table, rows))
                if len(report.problems) >= MOST_PROBLEMS:
                    raise _Undo
            if is_rehearsal or (report.problems and not skips_bad):
                raise _Undo
            bulk.settle({bulk.CREATED: report.made.get("subscriber", 0)})
    except _Undo:
        pass
    except IntegrityError:
        report.refuse(("", "", _("Somebody else's change stood in the way; try again.")), (0, 1))
    return report


def _make_what_can_be(make: Callable[[Batch], None], batch: Batch) -> None:
    """Make all rows of a batch, or, where something is wrong, what can be of either half."""
    tried = Batch(Report(), batch.table, batch.rows)
    try:
        with transaction.atomic():
            make(tried)
            if tried.report.problems:
                raise _Undo
    except _Undo:
        middle = len(batch.rows) // 2
        if middle:
            for half in (batch.rows[:middle], batch.rows[middle:]):
                _make_what_can_be(make, Batch(batch.report, batch.table, half))
            return
    batch.report.add(tried.report)


def _batches(rows: Iterable[tuple[str, int, Row]]) -> Iterator[tuple[str, list[Numbered]]]:
    for table, of_table in groupby(rows, key=lambda found: found[0]):
        numbered = ((number, row) for _, number, row in of_table)
        while batch := list(islice(numbered, ROWS_AT_ONCE)):
            yield table, batch


def _makers(tenant: Tenant) -> dict[str, Callable[[Batch], None]]:
    find = columns.finder(tenant)
    return {
        "domain": lambda batch: _domains(batch, tenant),
        "subscriber": lambda batch: users.make(batch, find),
        "translations": rules.Maker(find).make,
    }


def _domains(batch: Batch, tenant: Tenant) -> None:
    for number, row in batch.rows:
        try:
            with transaction.atomic():
                batch.count(_domain(tenant, row))
        except ServiceError as error:
            batch.refuse(number, error)


def _domain(tenant: Tenant, row: Row) -> bool:
    name = (row.get("domain") or "").strip()
    if Domain.objects.filter(name=name.lower(), tenant=tenant).exists():
        return False
    services.create_domain(tenant, name, **columns.fields_of(Domain, columns.DOMAIN_FIELDS, row))
    return True
