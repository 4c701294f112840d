"""Signing in and out, and second factors, in the audit log."""

from __future__ import annotations

from typing import Any

from allauth.mfa.signals import authenticator_added, authenticator_removed
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver

from fedsip_platform.audit import actor, log
from fedsip_platform.tenants.models import Person


@receiver(user_logged_in)
def note_sign_in(request: Any, user: Person, **_: Any) -> None:
    _note("sign in", request, user)


@receiver(user_logged_out)
def note_sign_out(request: Any, user: Person | None, **_: Any) -> None:
    if user is not None:
        _note("sign out", request, user)


@receiver(authenticator_added)
def note_second_factor(request: Any, user: Person, authenticator: Any, **_: Any) -> None:
    log.record("add second factor", user, {"kind": (None, authenticator.type)})


@receiver(authenticator_removed)
def note_lost_second_factor(request: Any, user: Person, authenticator: Any, **_: Any) -> None:
    log.record("remove second factor", user, {"kind": (authenticator.type, None)})


def _note(action: str, request: Any, person: Person) -> None:
    who = actor.of_request(request) if hasattr(request, "META") else actor.current()
    with actor.acting(actor.as_person(who, person)):
        log.record(action, person)
