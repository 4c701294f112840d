"""Many users from many rows: each is made, changed or refused by itself, batch by batch.

REST's bulk request, imports as jobs and the CLI all run through `provision`. Memory stays flat:
only one batch is held. A row that exists already is changed to what it says, so all of it may be
repeated. One file of new users, all or none, by one COPY: imports.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from fedsip_platform.audit import log
from fedsip_platform.changes import ServiceError, service_error
from fedsip_platform.tenants.models import Tenant

from . import names, services
from .models import Domain, Subscriber

BATCH = 500
MANY = 1000
"""After so many new rows PostgreSQL's old idea of its tables misleads it."""
CREATED, CHANGED, UNCHANGED, REFUSED = "created", "changed", "unchanged", "refused"

# What a row may say beside its address and password.
FIELDS = (
    *("display_name", "enabled", "max_contacts", "max_calls", "note"),
    *("media_policy", "srtp", "codecs"),
)
COLUMNS = ("address", "password", *FIELDS)
# Made or checked already; looking what the user belongs to up again would cost a query a row.
_MADE = ("public_id", "ha1_md5", "ha1_sha256", "aor", "username", "domain", "person")

Row = Mapping[str, Any]
FindDomain = Callable[[str], Domain | None]


@dataclass(slots=True)
class Result:
    """What became of one row. `errors` are pairs of field and reason."""

    row: int
    address: str
    status: str = UNCHANGED
    errors: tuple[tuple[str, str], ...] = ()

    def refuse(self, *errors: tuple[str, str]) -> None:
        """Say why nothing was done."""
        self.status, self.errors = REFUSED, errors


@dataclass(slots=True)
class _Planned:
    result: Result
    user: Subscriber
    before: dict[str, Any]


def provision(
    rows: Iterable[Row], find_domain: FindDomain, *, first: int = 1, dry_run: bool = False
) -> Iterator[Result]:
    """Bring users to what the rows say; `find_domain` gives only domains that may be changed.

    Each batch is a transaction. With `dry_run` everything is checked and nothing is written.
    """
    source = iter(enumerate(rows, start=first))
    while batch := list(islice(source, BATCH)):
        with transaction.atomic():
            results = _write(batch, find_domain)
            if dry_run:
                transaction.set_rollback(True)
        yield from results


def settle(counted: Mapping[str, int]) -> None:
    """After so many users were made or changed: once that is committed, have PostgreSQL look at its
    tables again, which by itself it does minutes later."""
    if counted.get(CREATED, 0) + counted.get(CHANGED, 0) >= MANY:
        transaction.on_commit(_analyse)


def _analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT directory_analyse()")


def count(results: Iterable[Result]) -> dict[str, int]:
    """How many rows came out how."""
    found = Counter(result.status for result in results)
    return {status: found[status] for status in (CREATED, CHANGED, UNCHANGED, REFUSED)}


def _write(batch: list[tuple[int, Row]], find_domain: FindDomain) -> list[Result]:
    planned: dict[str, tuple[Result, Domain, Row]] = {}
    results = []
    for number, row in batch:
        result, domain = _addressed(number, row, find_domain)
        results.append(result)
        if domain is None:
            continue
        if result.address in planned:
            result.refuse(("address", _("This user stands twice in the list.")))
            continue
        planned[result.address] = (result, domain, row)
    known = {user.aor: user for user in Subscriber.objects.filter(aor__in=planned)}
    pairs = [address.rpartition("@") for address in planned if address not in known]
    taken = services.names_in_use({pair[2] for pair in pairs}, {pair[0] for pair in pairs})
    new, changed = [], []
    for address, (result, domain, row) in planned.items():
        user = known.get(address)
        if user is None and address in taken:
            result.refuse(
                (
                    "address",
                    _("%(address)s is %(kind)s already.")
                    % {"address": address, "kind": taken[address]},
                )
            )
            continue
        plan = _plan(result, domain, row, user)
        if plan is not None:
            (new if user is None else changed).append(plan)
    _create(_within_limits(new))
    _change(changed)
    return results


def _addressed(number: int, row: Row, find_domain: FindDomain) -> tuple[Result, Domain | None]:
    text = row.get("address") if isinstance(row, Mapping) else None
    if not isinstance(text, str):
        result = Result(number, "")
        result.refuse(("address", _("Give the user's address, such as alice@example.com.")))
        return result, None
    username, _at, host = text.strip().rpartition("@")
    result = Result(number, text[:400])
    unknown = sorted(set(row) - set(COLUMNS))
    try:
        domain = find_domain(names.normal_domain(host))
        names.check_username(username)
    except ValidationError as error:
        result.refuse(("address", error.messages[0]))
        return result, None
    if domain is None:
        result.refuse(("address", _("There is no such domain that you may use.")))
    elif len(username) > names.LONGEST_USERNAME:
        result.refuse(
            (
                "address",
                _("A user name has at most %(longest_username)s characters.")
                % {"longest_username": names.LONGEST_USERNAME},
            )
        )
    elif unknown:
        result.refuse((str(unknown[0])[:100], _("There is no such field.")))
    else:
        result.address = f"{username.lower()}@{domain.name}"
        return result, domain
    return result, None


def _plan(result: Result, domain: Domain, row: Row, user: Subscriber | None) -> _Planned | None:
    """The user as the row wants it, checked; None where the row is refused or changes nothing."""
    is_new = user is None
    user = user or Subscriber(domain=domain, aor=result.address)
    user.domain = domain
    before = {} if is_new else log.values_of(user)
    user.username = result.address.rpartition("@")[0]
    errors = []
    password = row.get("password")
    if password or (is_new and password is None) or not isinstance(password, str | None):
        errors += _set_password(user, password)
    elif is_new:
        errors.append(("password", _("A new user needs one.")))
    for name in FIELDS:
        if name in row:
            errors += _set(user, name, row[name])
    try:
        user.clean_fields(exclude=_MADE)
    except ValidationError as error:
        errors += service_error(error).problems
    if errors:
        result.refuse(*errors)
        return None
    if not is_new and not log.masked(_difference(before, user)):
        return None
    return _Planned(result, user, before)


def _set(user: Subscriber, name: str, value: Any) -> list[tuple[str, str]]:
    """Set a field; its own validators look at it later, but not at these."""
    if value is None and not Subscriber._meta.get_field(name).null:
        return [(name, _("This cannot be null."))]
    if isinstance(value, str) and "\0" in value:
        return [(name, _("The character NUL cannot be stored."))]
    setattr(user, name, value)
    return []


def _set_password(user: Subscriber, password: Any) -> list[tuple[str, str]]:
    if password is None:
        return [("password", _("A new user needs one."))]
    if not isinstance(password, str):
        return [("password", _("This is no text."))]
    try:
        services.set_hashes(user, password)
    except ServiceError as error:
        return list(error.problems)
    return []


def _difference(before: dict[str, Any], user: Subscriber) -> dict[str, tuple[Any, Any]]:
    after = log.values_of(user)
    return {name: (before.get(name), value) for name, value in after.items()}


def _within_limits(planned: list[_Planned]) -> list[_Planned]:
    """Those that domain and tenant have room for; the others are refused."""
    room: dict[Any, int] = {}
    kept = []
    for plan in planned:
        owners = _limited(plan.user.domain, room)
        full = next((owner for owner in owners if room[owner] <= 0), None)
        if full is not None:
            plan.result.refuse(
                (
                    "address",
                    _("%(full)s may have %(max_subscribers)s users.")
                    % {"full": full, "max_subscribers": full.max_subscribers},
                )
            )
            continue
        for owner in owners:
            room[owner] -= 1
        kept.append(plan)
    return kept


def _limited(domain: Domain, room: dict[Any, int]) -> list[Domain | Tenant]:
    """The owners of a user that have a limit, with their room noted on first sight."""
    owners = [each for each in (domain, domain.tenant) if each.max_subscribers is not None]
    for owner in owners:
        if owner not in room:
            Tenant.objects.select_for_update(no_key=True).get(pk=domain.tenant_id)
            room[owner] = owner.max_subscribers - _users_of(owner)
    return owners


def _users_of(owner: Domain | Tenant) -> int:
    if isinstance(owner, Domain):
        return owner.subscribers.count()
    return Subscriber.objects.filter(domain__tenant=owner).count()


def _create(planned: list[_Planned]) -> None:
    if not planned:
        return
    try:
        with transaction.atomic():
            Subscriber.objects.bulk_create([plan.user for plan in planned])
    except IntegrityError:  # somebody else made one of them meanwhile: find out which
        for plan in planned:
            _create_alone(plan)
    made = []
    for plan in planned:
        if plan.result.status != REFUSED:
            plan.result.status = CREATED
            made.append(log.entry(log.CREATE, plan.user, _difference({}, plan.user)))
    log.record_all(made)


def _create_alone(plan: _Planned) -> None:
    try:
        with transaction.atomic():
            plan.user.pk = None
            plan.user.save(force_insert=True)
    except IntegrityError:
        plan.result.refuse(("address", _("This user was made meanwhile; try again.")))


def _change(planned: list[_Planned]) -> None:
    if not planned:
        return
    columns = [*FIELDS, "ha1_md5", "ha1_sha256", "password_changed_at"]
    Subscriber.objects.bulk_update([plan.user for plan in planned], columns)
    for plan in planned:
        plan.result.status = CHANGED
    log.record_all(
        log.entry(log.CHANGE, plan.user, _difference(plan.before, plan.user)) for plan in planned
    )


def finder(may_use: Callable[[Domain], bool]) -> FindDomain:
    """Finds each domain once: `may_use` says whether its users may be changed."""
    known: dict[str, Domain | None] = {}

    def find(name: str) -> Domain | None:
        if name not in known:
            domain = Domain.objects.select_related("tenant").filter(name=name).first()
            known[name] = domain if domain is not None and may_use(domain) else None
        return known[name]

    return find
