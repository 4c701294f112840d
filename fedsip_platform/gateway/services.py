"""All writes of this app: sites whose pages may connect, and whose phone is whose."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.directory.services import Conflict, ServiceError
from fedsip_platform.tenants.models import Person, Tenant

from .models import AllowedOrigin, PersonalPhone

MOST_ORIGINS = 100


@transaction.atomic
def allow_origin(tenant: Tenant, origin: str) -> AllowedOrigin:
    """Let the pages of a site use the tenant's telephony. Raises ServiceError."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    if tenant.origins.count() >= MOST_ORIGINS:
        raise Conflict("origin", f"{tenant} has {MOST_ORIGINS} sites already; remove one first.")
    allowed = AllowedOrigin(tenant=tenant, origin=origin)
    try:
        allowed.full_clean()
    except ValidationError as error:
        reasons = [" ".join(messages) for messages in error.message_dict.values()]
        raise ServiceError("origin", reasons[0]) from error
    allowed.save()
    return allowed


def forget_origin(allowed: AllowedOrigin) -> None:
    """Its pages open no more WebSockets; those that are open stay."""
    allowed.delete()


@transaction.atomic
def give_phone(person: Person, subscriber: Subscriber) -> PersonalPhone:
    """Let a person telephone as this user in the dashboard. Raises ServiceError."""
    tenant_id = subscriber.domain.tenant_id
    if not person.is_operator and not person.memberships.filter(tenant=tenant_id).exists():
        raise ServiceError("person", f"{person} does not belong to the tenant of {subscriber}.")
    phone, _ = PersonalPhone.objects.update_or_create(
        person=person, defaults={"subscriber": subscriber}
    )
    return phone


def take_phone(person: Person) -> None:
    """The person has no phone in the dashboard any more."""
    PersonalPhone.objects.filter(person=person).delete()
