"""Rows of `subscriber`: users with the hashes of their passwords, or with passwords."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from fedsip_platform.changes import ServiceError, service_error
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Subscriber

from . import columns, writing
from .batch import Batch
from .columns import FindDomain
from .sources import Row

_HEX = re.compile(r"[0-9a-f]+")
# Made here, or looked at by the caller for many at once.
_MADE = ("public_id", "aor", "domain", "person", "ha1_md5", "ha1_sha256")


def make(batch: Batch, find: FindDomain) -> None:
    """Make the users of a batch; one that is there already stays as it is."""
    planned: dict[str, tuple[int, Subscriber]] = {}
    for number, row in batch.rows:
        try:
            user = _user(row, find)
        except ServiceError as error:
            batch.refuse(number, error)
            continue
        if user.aor in planned:
            batch.count(is_new=False)
        else:
            planned[user.aor] = (number, user)
    known = set(Subscriber.objects.filter(aor__in=planned).values_list("aor", flat=True))
    batch.count(is_new=False, amount=len(known))
    new = [(number, user) for aor, (number, user) in planned.items() if aor not in known]
    writing.write(batch, new, services.refuse_above_limits)


def _user(row: Row, find: FindDomain) -> Subscriber:
    """The user of a row, checked but for who is there already; raises ServiceError."""
    domain = find(row.get("domain") or "", "domain")
    username = (row.get("username") or "").strip()
    user = Subscriber(domain=domain, username=username.lower())
    user.aor = f"{user.username}@{domain.name}"
    ha1, sha256 = (row.get("ha1") or "").lower(), (row.get("ha1_sha256") or "").lower()
    if ha1 or not row.get("password"):
        _take_hashes(user, ha1, sha256, username)
    else:
        services.set_hashes(user, row.get("password") or "")
    for name, value in columns.fields_of(Subscriber, columns.USER_FIELDS, row).items():
        setattr(user, name, value)
    try:
        user.clean_fields(exclude=_MADE)
    except ValidationError as error:
        raise service_error(error) from error
    return user


def _take_hashes(user: Subscriber, ha1: str, sha256: str, username: str) -> None:
    if len(ha1) != 32 or not _HEX.fullmatch(ha1):
        raise ServiceError("ha1", _("There is neither a password nor an HA1 of 32 hex digits."))
    if sha256 and (len(sha256) != 64 or not _HEX.fullmatch(sha256)):
        raise ServiceError("ha1_sha256", _("This is no SHA-256 in hex."))
    if username != user.username:
        raise ServiceError(
            "username", _("Its HA1 contains capitals, and users are kept in lower case: "
            "give this user a new password.")
        )  # fmt: skip
    user.ha1_md5, user.ha1_sha256 = ha1, sha256
