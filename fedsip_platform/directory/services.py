"""Everything that changes tenants, domains, subscribers and translations (many: imports.py).

REST, Django's admin and the CLI all come through here. A refusal is a ServiceError that names the
field and the reason in a sentence for people; the change is then not made at all. The proxy learns
of each change by the triggers of sql/triggers.sql, at commit.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.tenants.models import Tenant

SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128


class ServiceError(Exception):
    """A change was refused. `field` and `reason` are the first problem, `problems` are all."""

    def __init__(self, field: str, reason: str, *more: tuple[str, str]) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason
        self.problems = ((field, reason), *more)


class Conflict(ServiceError):
    """The change is fine in itself, but something that exists stands against it."""


# -- tenants


def create_tenant(name: str, slug: str, **fields: Any) -> Tenant:
    """Make a tenant."""
    return _save(Tenant(name=name, slug=slug, **fields))


def update_tenant(tenant: Tenant, **fields: Any) -> Tenant:
    """Change a tenant; `enabled=False` stops all its domains at once."""
    return _change(tenant, fields)


@transaction.atomic
def delete_tenant(tenant: Tenant) -> None:
    """Delete a tenant with its domains, users, rules and call records."""
    for domain in tenant.domains.all():
        delete_domain(domain)
    tenant.delete()


# -- domains


@transaction.atomic
def create_domain(tenant: Tenant, name: str, **policy: Any) -> Domain:
    """Make a domain; the name may be typed in any case and script."""
    if tenant.max_domains is not None:
        Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
        if tenant.domains.count() >= tenant.max_domains:
            raise Conflict("tenant", f"{tenant} may have {tenant.max_domains} domains, not more.")
    return _save(Domain(tenant=tenant, name=name, **policy))


def update_domain(domain: Domain, **fields: Any) -> Domain:
    """Change policies, or the name as long as the domain has no users."""
    return _change(domain, fields)


@transaction.atomic
def delete_domain(domain: Domain) -> None:
    """Delete a domain with its users and rules; phones are signed out."""
    domain.delete()


# -- subscribers


@transaction.atomic
def create_subscriber(domain: Domain, username: str, password: str, **fields: Any) -> Subscriber:
    """Make a SIP user. The username is kept in lower case: phones must be set up so."""
    username = username.strip().lower()
    refuse_above_limits(domain)
    subscriber = Subscriber(domain=domain, username=username, **fields)
    subscriber.aor = f"{username}@{domain.name}"
    _set_hashes(subscriber, password)
    return _save(subscriber)


@transaction.atomic
def update_subscriber(
    subscriber: Subscriber, *, new_password: str | None = None, **fields: Any
) -> Subscriber:
    """Change a user's limits and texts, enabled, and the password; username and domain stay."""
    before = {"username": subscriber.username, "domain": subscriber.domain}
    for name, value in before.items():
        if fields.pop(name, value) != value:
            raise ServiceError(
                name, "This cannot change: the password's hash contains it. Make a new user."
            )
    if new_password is not None:
        set_password(subscriber, new_password)
    return _change(subscriber, fields) if fields else subscriber


def set_password(subscriber: Subscriber, password: str) -> Subscriber:
    """Give a user a new password; phones with the old one fail at their next registration."""
    _set_hashes(subscriber, password)
    return _save(subscriber, ["ha1_md5", "ha1_sha256", "password_changed_at", "updated_at"])


def disable_subscriber(subscriber: Subscriber) -> Subscriber:
    """Sign the user's phones out and let them not in again."""
    return _change(subscriber, {"enabled": False})


def enable_subscriber(subscriber: Subscriber) -> Subscriber:
    """Let a disabled user in again."""
    return _change(subscriber, {"enabled": True})


def delete_subscriber(subscriber: Subscriber) -> None:
    """Delete a user; its phones are signed out."""
    subscriber.delete()


def ha1(username: str, realm: str, password: str) -> tuple[str, str]:
    """H(A1) of RFC 7616 s3.4.2 for MD5 and SHA-256, as hex."""
    a1 = f"{username}:{realm}:{password}".encode()
    md5 = hashlib.md5(a1, usedforsecurity=False).hexdigest()  # the digest scheme's own choice
    return md5, hashlib.sha256(a1).hexdigest()


# -- translations


def create_translation(domain: Domain, **fields: Any) -> Translation:
    """Make a rule; the proxy obeys it within a second."""
    return _save(Translation(domain=domain, **fields))


def update_translation(translation: Translation, **fields: Any) -> Translation:
    """Change a rule."""
    return _change(translation, fields)


def delete_translation(translation: Translation) -> None:
    """Delete a rule."""
    translation.delete()


# -- how all of them save

M = TypeVar("M", bound=models.Model)

# What a person typed, for fields that are made from it.
_TYPED = {"aor": "username", NON_FIELD_ERRORS: ""}


def _save(instance: M, update_fields: list[str] | None = None) -> M:
    """Check everything, then write it."""
    try:
        instance.full_clean()
        with transaction.atomic():
            instance.save(update_fields=update_fields)
    except ValidationError as error:
        raise _service_error(error) from error
    except IntegrityError as error:  # somebody else was faster
        raise Conflict("", "This stands against something that exists already.") from error
    return instance


def _change(instance: M, fields: dict[str, Any]) -> M:
    for name, value in fields.items():
        if name not in _changeable(type(instance)):
            raise ServiceError(name, "There is no such field to change.")
        setattr(instance, name, value)
    changed = [*fields, *(["updated_at"] if fields else [])]
    try:
        return _save(instance, changed)
    except ServiceError:
        instance.refresh_from_db()  # the caller keeps an object that is true
        raise


def _changeable(model: type[models.Model]) -> set[str]:
    """Fields that people edit; what a thing belongs to is none of them."""
    return {
        field.name
        for field in model._meta.concrete_fields
        if field.editable and not field.is_relation and not field.primary_key
    }


def _service_error(error: ValidationError) -> ServiceError:
    found = [
        (_TYPED.get(field, field), _sentence(problem), problem.code)
        for field, problems in error.error_dict.items()
        for problem in problems
    ]
    pairs = [(field, reason) for field, reason, _ in found]
    kind = Conflict if all(code == "unique" for _, _, code in found) else ServiceError
    return kind(*pairs[0], *pairs[1:])


def _sentence(problem: ValidationError) -> str:
    return " ".join(str(message) for message in problem.messages)


def _set_hashes(subscriber: Subscriber, password: str) -> None:
    username, realm = subscriber.username, subscriber.domain.name
    reason = password_problem(username, realm, password)
    if reason:
        raise ServiceError("password", reason)
    subscriber.ha1_md5, subscriber.ha1_sha256 = ha1(username, realm, password)
    subscriber.password_changed_at = timezone.now()


def password_problem(username: str, realm: str, password: str) -> str | None:
    """Why this cannot be the password of that user, or None."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"Use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in password):
        return "Control characters cannot be typed into a phone."
    if password.lower() in (username.lower(), f"{username}@{realm}".lower()):
        return "This is the first password that anybody would guess."
    return None


def refuse_above_limits(domain: Domain, *, adding: int = 1) -> None:
    """Raise Conflict when so many more users are too many for the domain or its tenant."""
    tenant = domain.tenant
    if domain.max_subscribers is None and tenant.max_subscribers is None:
        return
    # Two requests at once must not both take the last place.
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    for owner, users, most in (
        (domain, domain.subscribers, domain.max_subscribers),
        (tenant, Subscriber.objects.filter(domain__tenant=tenant), tenant.max_subscribers),
    ):
        if most is not None and users.count() + adding > most:
            raise Conflict("domain", f"{owner} may have {most} users, not more.")
