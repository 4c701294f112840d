"""Everything that changes who may do what: invitations, roles, and whose a SIP user is."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform import mail
from fedsip_platform.audit import log
from fedsip_platform.changes import Conflict, ServiceError, change, delete, save
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tenants.models import Membership, Person, Role, Tenant

from .models import Invitation

INVITATION_LASTS = timedelta(days=7)
SECRET_BYTES = 32


# -- invitations


@transaction.atomic
def invite(
    tenant: Tenant,
    email: str,
    role: str = "",
    *,
    by: Person | None = None,
    subscriber: Subscriber | None = None,
    base_url: str = "",
) -> tuple[Invitation, str]:
    """Invite somebody, send the letter, and return the link, which nobody can read again.

    An earlier invitation to the same (the tenant, or that user) is withdrawn; others stay open.
    """
    email = email.strip().lower()
    if subscriber is not None and subscriber.domain.tenant_id != tenant.pk:
        raise ServiceError("subscriber", _("This user is not the tenant's."))
    if role and Membership.objects.filter(tenant=tenant, person__email=email).exists():
        raise Conflict(
            "email",
            _("%(email)s belongs to %(tenant)s already.") % {"email": email, "tenant": tenant},
        )
    for earlier in open_to(tenant, email, subscriber):
        withdraw(earlier)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    invitation = save(
        Invitation(
            tenant=tenant,
            email=email,
            role=role,
            subscriber=subscriber,
            digest=_digest(secret),
            invited_by=by,
            expires_at=timezone.now() + INVITATION_LASTS,
        )
    )
    link = base_url.rstrip("/") + reverse("invitation", args=[secret])
    context = {"invitation": invitation, "link": link, "days": INVITATION_LASTS.days}
    mail.send("people/mail/invitation", email, context)
    return invitation, link


def open_to(
    tenant: Tenant, email: str, subscriber: Subscriber | None = None
) -> QuerySet[Invitation]:
    """What a new invitation of this address to the tenant, or to that user, takes the place of."""
    email = email.strip().lower()
    return Invitation.objects.filter(
        tenant=tenant, email=email, subscriber=subscriber, accepted_at=None
    )


def open_invitation(secret: str) -> Invitation | None:
    """The invitation of that letter, if it can still be accepted."""
    found = Invitation.objects.select_related("tenant", "subscriber__domain", "invited_by")
    return found.filter(
        digest=_digest(secret), accepted_at=None, expires_at__gt=timezone.now()
    ).first()


@transaction.atomic
def accept(invitation: Invitation, person: Person) -> None:
    """Make the person what the invitation says. Who was invited must be who accepts."""
    current = Invitation.objects.select_for_update(of=("self",)).filter(pk=invitation.pk).first()
    if current is None or current.accepted_at is not None or current.expires_at < timezone.now():
        raise Conflict("", _("This invitation was used, withdrawn or has expired."))
    if person.email != invitation.email:
        raise ServiceError(
            "email", _("This invitation is for %(email)s.") % {"email": invitation.email}
        )
    if invitation.role:
        join(invitation.tenant, person, invitation.role)
    if invitation.subscriber is not None:
        own(invitation.subscriber, person)
    change(current, {"accepted_at": timezone.now()})


@transaction.atomic
def accept_as_new(invitation: Invitation, name: str, password: str) -> Person:
    """Make the person whom the letter reached, with a password of her own, and accept."""
    person = make_person(invitation.email, password, name=name)
    accept(invitation, person)
    return person


def holds(invitation: Invitation) -> bool:
    """Whether the letter can still be accepted, or what it offered is so."""
    if invitation.accepted_at is None:
        return invitation.expires_at > timezone.now()
    there = Membership.objects.filter(tenant=invitation.tenant, person__email=invitation.email)
    return not invitation.role or there.exists()


def withdraw(invitation: Invitation) -> None:
    """Make the letter worthless."""
    delete(invitation)


# -- people and roles


def make_person(email: str, password: str | None, **fields: Any) -> Person:
    """Somebody who can sign in; without a password only by a reset or single sign-on."""
    person = Person(email=email.strip().lower(), **fields)
    if password is None:
        person.set_unusable_password()
    else:
        refuse_weak(password, person)
        person.set_password(password)
    return save(person)


def set_password(person: Person, password: str) -> None:
    """Give a person a new password; all her sessions end."""
    refuse_weak(password, person)
    person.set_password(password)
    save(person, ["password"])


def refuse_weak(password: str, person: Person) -> None:
    """Raise ServiceError for a password that Django's validators refuse."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        first, *others = error.messages
        raise ServiceError("password", first, *(("password", each) for each in others)) from error


def join(tenant: Tenant, person: Person, role: str) -> Membership:
    """Give the person that role in the tenant, whatever it was before."""
    membership = Membership.objects.filter(tenant=tenant, person=person).first()
    if membership is None:
        return save(Membership(tenant=tenant, person=person, role=role))
    return change_role(membership, role)


@transaction.atomic
def change_role(membership: Membership, role: str) -> Membership:
    """Change what a person may do in a tenant; its last owner stays one."""
    if role != Role.OWNER:
        _refuse_for_last_owner(membership, "role")
    return change(membership, {"role": role})


@transaction.atomic
def leave(membership: Membership) -> None:
    """Take a person out of a tenant; her tokens for it end with it, and no user there is hers."""
    _refuse_for_last_owner(membership, "")
    for subscriber in membership.person.subscribers.filter(domain__tenant=membership.tenant):
        own(subscriber, None)
    for token in membership.person.tokens.filter(tenant=membership.tenant):
        delete(token)
    delete(membership)


def _refuse_for_last_owner(membership: Membership, field: str) -> None:
    Tenant.objects.select_for_update(no_key=True).get(pk=membership.tenant_id)
    others = Membership.objects.filter(tenant=membership.tenant, role=Role.OWNER)
    if membership.role == Role.OWNER and not others.exclude(pk=membership.pk).exists():
        raise Conflict(field, _("A tenant needs an owner: make somebody else one first."))


# -- whose a SIP user is


def own(subscriber: Subscriber, person: Person | None) -> Subscriber:
    """Make a SIP user the person's own, or nobody's."""
    before = subscriber.person
    subscriber.person = person
    save(subscriber, ["person", "updated_at"])
    if before != person:
        emails = tuple(None if each is None else each.email for each in (before, person))
        log.record("own", subscriber, {"person": emails})
    return subscriber


def owned(person: Person) -> QuerySet[Subscriber]:
    """The SIP users that are this person's own: what the page for subscribers may touch."""
    return Subscriber.objects.filter(person=person, enabled=True).select_related("domain__tenant")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
