"""Writes the audit log: `changes.py` calls it for every change of a model, others for events."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from django.db import models

from fedsip_platform.tenants.models import Person, Tenant
from fedsip_platform.tenants.scope import tenant_of

from . import actor
from .models import Entry

CREATE, CHANGE, DELETE = "create", "change", "delete"

HIDDEN = "(secret)"
SECRET = frozenset(
    {"password", "ha1_md5", "ha1_sha256", "digest", "secret", "private_key", "sealed_password"}
)
# Kept by the database or by the platform: no person's decision.
SILENT = frozenset(
    {"id", "public_id", "created_at", "updated_at", "password_changed_at", "aor"}
    | {"kept_under", "most_together"}
)
LONGEST_VALUE = 2000
BATCH = 1000

# By model: what people call it. Others are called as their model.
KINDS = {"subscriber": "user"}


def record(
    action: str,
    thing: models.Model,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    tenant: Tenant | None = None,
) -> None:
    """Note one change, in the transaction that makes it."""
    entry(action, thing, changes, tenant=tenant).save(force_insert=True)


def record_all(entries: Iterable[Entry]) -> None:
    """Note many changes at once, made by `entry`, a batch at a time."""
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        Entry.objects.bulk_create(batch)


def entry(
    action: str,
    thing: models.Model,
    changes: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    tenant: Tenant | None = None,
) -> Entry:
    """What `record` would write."""
    who = actor.current()
    owner = tenant or _owner(thing)
    return Entry(
        tenant_id=None if owner is None else owner.pk,
        person_id=None if who.person is None else who.person.pk,
        actor=who.name,
        as_operator=_is_as_operator(who.person, owner),
        via=who.via,
        token=who.token,
        address=who.address,
        request_id=who.request_id,
        action=action,
        kind=kind_of(thing),
        key=str(thing),
        thing=getattr(thing, "public_id", None),
        changes=masked(changes or {}),
    )


def kind_of(thing: models.Model) -> str:
    """What people call this kind of thing."""
    name = thing._meta.model_name or ""
    return KINDS.get(name, name)


def masked(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, list[Any]]:
    """Old and new values as JSON has them, without secrets; what stayed equal is left out."""
    shown: dict[str, list[Any]] = {}
    for name, (old, new) in changes.items():
        if name in SILENT or old == new:
            continue
        if name in SECRET:
            shown["password" if name.startswith("ha1_") else name] = [HIDDEN, HIDDEN]
        else:
            shown[name] = [plain(old), plain(new)]
    return shown


def values_of(thing: models.Model, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The thing's fields as they are in memory; what it belongs to by name."""
    fields = thing._meta.concrete_fields
    wanted = None if names is None else set(names)
    return {
        field.name: str(getattr(thing, field.name) or "")
        if field.is_relation
        else getattr(thing, field.name)
        for field in fields
        if wanted is None or field.name in wanted
    }


def values_of_new(
    thing: models.Model, names: Iterable[str] | None = None
) -> dict[str, tuple[None, Any]]:
    """The changes that made the thing: all that is not empty."""
    values = values_of(thing, names)
    return {name: (None, value) for name, value in values.items() if value not in (None, "")}


def _owner(thing: models.Model) -> Tenant | None:
    try:
        return tenant_of(thing)
    except TypeError:
        owner = getattr(thing, "tenant", None)  # a token's, which only its person sees
        return owner if isinstance(owner, Tenant) else None


def _is_as_operator(person: Person | None, owner: Tenant | None) -> bool:
    if person is None or owner is None or not person.is_operator:
        return False
    return owner.pk not in person.tenant_ids


def plain(value: Any) -> Any:
    """A value as the changes of an entry hold it."""
    match value:
        case None | bool() | int() | float():
            return value
        case datetime.datetime() | datetime.date():
            return value.isoformat()
        case list() | tuple():
            return [plain(each) for each in value]
        case dict():
            return {str(key): plain(each) for key, each in value.items()}
        case uuid.UUID():
            return str(value)
        case _:
            text = str(value)
            return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
