"""Many subscribers at once: checked row by row, written by one COPY, all or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from fedsip_platform.audit import log
from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import Conflict, ServiceError

from . import bulk, names, services
from .models import Domain, Subscriber

MOST_PROBLEMS = 100
_COPY = (
    "COPY directory_subscriber"
    " (domain_id, username, aor, ha1_md5, ha1_sha256, display_name) FROM STDIN"
)


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """One row of an import."""

    username: str
    password: str
    display_name: str = ""


@transaction.atomic
def create_subscribers(domain: Domain, rows: Iterable[NewSubscriber]) -> int:
    """Make them all and return how many; a ServiceError names each bad row as `row N: field`."""
    checked = list(_checked(domain, rows))
    services.refuse_above_limits(domain, adding=len(checked))
    try:
        with (
            transaction.atomic(),
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(_COPY) as copy,
        ):
            for columns in checked:
                copy.write_row(columns)
    except IntegrityError as error:
        raise _already_there(domain, [columns[2] for columns in checked]) from error
    log.record_all(_entry(domain, columns) for columns in checked)
    bulk.settle({bulk.CREATED: len(checked)})
    return len(checked)


Columns = tuple[int, str, str, str, str, str]


def _checked(domain: Domain, rows: Iterable[NewSubscriber]) -> Iterator[Columns]:
    problems: list[tuple[str, str]] = []
    for number, row in enumerate(rows, start=1):
        username = row.username.strip().lower()
        found = list(_problems(domain, username, row))
        problems += [(f"row {number}: {field}", reason) for field, reason in found]
        if len(problems) >= MOST_PROBLEMS:
            break
        if not found:
            aor = f"{username}@{domain.name}"
            md5, sha256 = services.ha1(username, domain.name, row.password)
            yield domain.pk, username, aor, md5, sha256, row.display_name
    if problems:
        raise ServiceError(*problems[0], *problems[1:])


def _entry(domain: Domain, columns: Columns) -> Entry:
    _, username, aor, _, _, display_name = columns
    user = Subscriber(domain=domain, username=username, aor=aor, display_name=display_name)
    shown = {"domain": domain.name, "username": username, "display_name": display_name}
    return log.entry(log.CREATE, user, {name: (None, value) for name, value in shown.items()})


def _problems(domain: Domain, username: str, row: NewSubscriber) -> Iterator[tuple[str, str]]:
    for field, text in (("username", username), ("display_name", row.display_name)):
        limit = Subscriber._meta.get_field(field).max_length
        if len(text) > limit:
            yield field, _("Use at most %(limit)s characters.") % {"limit": limit}
            continue
        try:
            (names.check_username if field == "username" else names.check_one_line)(text)
        except ValidationError as error:
            yield field, error.messages[0]
    reason = services.password_problem(username, domain.name, row.password)
    if reason:
        yield "password", reason


def _already_there(domain: Domain, aors: list[str]) -> Conflict:
    seen: set[str] = set()
    taken = set(Subscriber.objects.filter(aor__in=aors).values_list("aor", flat=True))
    problems: list[tuple[str, str]] = []
    for number, aor in enumerate(aors, start=1):
        if aor in taken:
            problems.append((f"row {number}: username", _("This user exists already.")))
        elif aor in seen:
            problems.append((f"row {number}: username", _("This user stands twice in the list.")))
        seen.add(aor)
    if not problems:  # somebody else's change went back meanwhile
        problems.append(("", _("Another change stood in the way; try again.")))
    return Conflict(*problems[0], *problems[1:MOST_PROBLEMS])
