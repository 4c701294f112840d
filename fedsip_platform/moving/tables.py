"""From rows of the seed's, OpenSIPS' and Kamailio's tables to our domains, users and rules.

All or nothing: each bad row is reported with its table and number, and then nothing is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import transaction

from fedsip_platform.changes import Conflict, ServiceError, save
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.tenants.models import Tenant

from .sources import Row, Tables, rows_of

MOST_PROBLEMS = 100
_HEX = re.compile(r"[0-9a-f]+")

# Columns of the seed's table, as our rules call them.
RULE_COLUMNS = {"tran_priority": "priority"}
_SWITCHES = ("enabled", "tran_strip_port")
_NUMBERS = ("priority", "weight", "tran_strip", "tran_port")
RULE_FIELDS = (
    *("from_username", "match_user_agent", "match_regex", "request_domain", "valid_from"),
    *("valid_until", "hours", "priority", "weight", "enabled", "tran_user", "tran_strip"),
    *("tran_prefix", "tran_domain", "tran_port", "tran_strip_port", "tran_trunk"),
    *("tran_add_header", "tran_remove_header", "tran_from_user", "tran_from_display", "note"),
)


@dataclass(slots=True)
class Report:
    """What was made of each table, what was there already, and what is wrong with which row."""

    made: dict[str, int] = field(default_factory=dict)
    known: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    """Row and reason."""


class Refused(Exception):
    """Undoes everything."""


def bring_in(tables: Tables, tenant: Tenant, *, is_rehearsal: bool = False) -> Report:
    """Make all that the tables have, for the tenant; or nothing, and say why. A rehearsal makes
    nothing either way."""
    report = Report()
    try:
        with transaction.atomic():
            for table, number, row in rows_of(tables):
                _bring_row(report, tenant, table, number, row)
            if report.problems or is_rehearsal:
                raise Refused
    except Refused:
        pass
    return report


def _bring_row(report: Report, tenant: Tenant, table: str, number: int, row: Row) -> None:
    if len(report.problems) >= MOST_PROBLEMS:
        raise Refused
    try:
        with transaction.atomic():
            is_new = _MAKE[table](tenant, row)
    except ServiceError as error:
        for name, reason in error.problems:
            where = f"{table} row {number}" + (f" {name}" if name else "")
            report.problems.append((where, reason))
    else:
        if is_new:
            report.made[table] = report.made.get(table, 0) + 1
        else:
            report.known += 1


def _domain(tenant: Tenant, row: Row) -> bool:
    name = (row.get("domain") or "").strip()
    known = Domain.objects.filter(name=name.lower(), tenant=tenant).exists()
    if not known:
        services.create_domain(tenant, name)
    return not known


def _subscriber(tenant: Tenant, row: Row) -> bool:
    domain = _of_tenant(tenant, row.get("domain") or "", "domain")
    username = (row.get("username") or "").strip()
    password = row.get("password") or ""
    ha1, sha256 = (row.get("ha1") or "").lower(), (row.get("ha1_sha256") or "").lower()
    if domain.subscribers.filter(username=username.lower()).exists():
        return False
    if not ha1 and password:
        services.create_subscriber(domain, username, password)
        return True
    if len(ha1) != 32 or not _HEX.fullmatch(ha1):
        raise ServiceError("ha1", "There is neither a password nor an HA1 of 32 hex digits.")
    if sha256 and (len(sha256) != 64 or not _HEX.fullmatch(sha256)):
        raise ServiceError("ha1_sha256", "This is no SHA-256 in hex.")
    if username != username.lower():
        raise ServiceError(
            "username", "Its HA1 contains capitals, and users are kept in lower case: "
            "give this user a new password."
        )  # fmt: skip
    services.refuse_above_limits(domain)
    aor = f"{username}@{domain.name}"
    save(Subscriber(domain=domain, username=username, aor=aor, ha1_md5=ha1, ha1_sha256=sha256))
    return True


def _rule(tenant: Tenant, row: Row) -> bool:
    domain = _of_tenant(tenant, row.get("from_domain") or "", "from_domain")
    fields = {}
    for column, text in row.items():
        name = RULE_COLUMNS.get(column, column)
        if name in RULE_FIELDS and text not in (None, ""):
            fields[name] = _value(name, str(text))
    if domain.translations.filter(**fields).exists():
        return False
    services.create_translation(domain, **fields)
    return True


def _value(name: str, text: str) -> object:
    if name in _SWITCHES:
        return text.strip().lower() in ("1", "true", "on", "yes", "t")
    if name in _NUMBERS:
        try:
            return int(text)
        except ValueError as error:
            raise ServiceError(name, f"{text!r} is no number.") from error
    if name in ("valid_from", "valid_until"):
        return Translation._meta.get_field(name).to_python(text)
    if name == "tran_add_header":
        return text.strip().replace("\r\n", "\n")
    return text


def _of_tenant(tenant: Tenant, name: str, field_name: str) -> Domain:
    found = Domain.objects.filter(name=name.strip().lower().rstrip(".")).first()
    if found is None:
        raise ServiceError(field_name, f"There is no domain {name!r} here.")
    if found.tenant_id != tenant.pk:
        raise Conflict(field_name, f"{found.name} is not a domain of {tenant}.")
    return found


_MAKE: dict[str, Callable[[Tenant, Row], bool]] = {
    "domain": _domain,
    "subscriber": _subscriber,
    "translations": _rule,
}
