"""What columns are called, which go out and come in, and what their text means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from fedsip_platform.changes import Conflict, ServiceError
from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant

from .sources import Row

FindDomain = Callable[[str, str], Domain]
"""By its name and the column that has it; raises ServiceError."""

# Columns of the seed's table, as our rules call them.
RENAMED = {"tran_priority": "priority"}

DOMAIN_FIELDS = (
    *("enabled", "note", "unauthenticated", "unauthenticated_calls_out", "hide_users"),
    *("require_tls", "media_policy", "srtp", "codecs", "nat_keepalive", "nat_alias_contact"),
    *("federation", "federation_in", "stranger_methods", "calls_in_per_domain"),
    *("calls_in_per_stranger", "calls_out_per_domain", "calls_out_per_user", "enum", "e164"),
    *("e164_country", "trace", "trace_days", "time_zone", "max_subscribers", "max_contacts"),
    *("min_expires", "max_expires", "default_expires"),
)
USER_FIELDS = (
    *("display_name", "enabled", "max_contacts", "max_calls", "note"),
    *("media_policy", "srtp", "codecs"),
)
RULE_FIELDS = (
    *("from_username", "match_user_agent", "match_regex", "request_domain", "valid_from"),
    *("valid_until", "hours", "priority", "weight", "enabled", "tran_user", "tran_strip"),
    *("tran_prefix", "tran_domain", "tran_port", "tran_strip_port", "tran_trunk"),
    *("tran_add_header", "tran_remove_header", "tran_from_user", "tran_from_display", "note"),
)

_YES, _NO = ("1", "true", "on", "yes", "t"), ("0", "false", "off", "no", "f")


def fields_of(model: type[models.Model], names: Iterable[str], row: Row) -> dict[str, Any]:
    """What a row says of these fields; nothing of a field that is empty or not there. Raises
    ServiceError for a text that is no value of its field."""
    wanted = frozenset(names)
    found = {}
    for column, text in row.items():
        name = RENAMED.get(column, column)
        if name in wanted and text not in (None, ""):
            found[name] = _value(model._meta.get_field(name), str(text))
    return found


def _value(field: models.Field[Any, Any], text: str) -> Any:
    if "\0" in text:
        raise ServiceError(field.name, _("The character NUL cannot be stored."))
    if isinstance(field, models.BooleanField):
        word = text.strip().lower()
        if word not in (*_YES, *_NO):
            raise ServiceError(field.name, _("%(text)s is neither 0 nor 1.") % {"text": repr(text)})
        return word in _YES
    if field.name == "tran_add_header":
        return text.strip().replace("\r\n", "\n")
    try:
        return field.to_python(text.strip() if not isinstance(field, models.CharField) else text)
    except ValidationError as error:
        raise ServiceError(field.name, " ".join(error.messages)) from error


def texts_of(thing: models.Model, names: Iterable[str]) -> Mapping[str, Any]:
    """The fields of a thing as `fields_of` reads them."""
    row = {}
    for name in names:
        value = getattr(thing, name)
        if hasattr(value, "isoformat"):
            value = value.isoformat()
        row[_OUTSIDE.get(name, name)] = int(value) if isinstance(value, bool) else value
    return row


_OUTSIDE = {ours: theirs for theirs, ours in RENAMED.items()}


def outside(names: Iterable[str]) -> list[str]:
    """The columns of these fields."""
    return [_OUTSIDE.get(name, name) for name in names]


def finder(tenant: Tenant) -> FindDomain:
    """Finds domains of the tenant, each of them once."""
    known: dict[str, Domain] = {}

    def find(name: str, column: str) -> Domain:
        normal = name.strip().lower().rstrip(".")
        found = known.get(normal)
        if found is None:
            found = Domain.objects.select_related("tenant").filter(name=normal).first()
            if found is None:
                raise ServiceError(
                    column,
                    _(
                        "There is no domain %(name)s here: add it first, or bring the table"
                        " `domain` with these files."
                    )
                    % {"name": repr(name)},
                )
            if found.tenant_id != tenant.pk:
                raise Conflict(
                    column,
                    _("%(name)s is not a domain of %(tenant)s.")
                    % {"name": found.name, "tenant": tenant},
                )
            known[normal] = found
        return found

    return find
