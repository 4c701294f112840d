"""Where a person is signed in, and how one of these sessions is ended without the others."""

from __future__ import annotations

from allauth.usersessions.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.utils import timezone

from fedsip_platform.audit import log
from fedsip_platform.tenants.models import Person


def current(person: Person) -> QuerySet[UserSession]:
    """Where the person is signed in, a session for each browser."""
    there = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    return UserSession.objects.filter(user=person, session_key__in=there)


def find(person: Person, key: int) -> UserSession | None:
    """One of the person's own sessions."""
    return UserSession.objects.filter(user=person, pk=key).first()


def end(session: UserSession, person: Person) -> None:
    """Sign that browser out; its next request is a stranger's."""
    log.record("sign out", person, {"session": (str(session), None)})
    get_adapter().end_sessions([session])
