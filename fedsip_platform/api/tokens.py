"""Making and checking API tokens. A token is `fedsip_PREFIX_SECRET`; the database has its SHA-256.

The secret has 256 random bits, so a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform import changes
from fedsip_platform.changes import ServiceError
from fedsip_platform.tenants.models import Person, Tenant

from .areas import Scope
from .models import Token

MARK = "fedsip"
PREFIX_BYTES = 6
SECRET_BYTES = 32
USE_NOTED_EVERY = timedelta(minutes=1)


def create(
    person: Person,
    name: str,
    scopes: str | Iterable[str] = Scope.READ,
    *,
    tenant: Tenant | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """Make a token and return it with its text, which nobody can read again."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ServiceError("expires_at", _("This is in the past."))
    prefix = secrets.token_hex(PREFIX_BYTES)
    text = f"{MARK}_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    token = Token(
        person=person,
        tenant=tenant,
        name=name,
        prefix=prefix,
        digest=_digest(text),
        scopes=[str(scopes)] if isinstance(scopes, str) else sorted(set(scopes)),
        expires_at=expires_at,
    )
    return changes.save(token), text


def find(text: str) -> Token | None:
    """The valid token with that text."""
    mark, _, rest = text.partition("_")
    prefix = rest.partition("_")[0]
    if mark != MARK or len(prefix) != 2 * PREFIX_BYTES or not text.isascii():
        return None
    token = Token.objects.select_related("person").filter(prefix=prefix).first()
    if token is None or not hmac.compare_digest(token.digest, _digest(text)):
        return None
    now = timezone.now()
    if not token.person.is_active or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def withdraw(token: Token) -> None:
    """End a token; programs that use it are refused from now on."""
    changes.delete(token)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
