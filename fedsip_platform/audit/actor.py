"""Who is acting: known to the request, the command or the task that runs, asked by the log."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from fedsip_platform.tenants.models import Person

from .models import Via


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever is behind a change."""

    name: str
    via: str
    person: Person | None = None
    token: str = ""
    address: str | None = None
    request_id: str = ""


PLATFORM = Actor("fedsip", Via.TASK)

_acting: ContextVar[Callable[[], Actor] | None] = ContextVar("acting", default=None)


def current() -> Actor:
    """Who is acting now; the platform itself where nobody said anything."""
    who = _acting.get()
    return PLATFORM if who is None else who()


@contextlib.contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Everything changed inside the block is this actor's doing."""
    earlier = _acting.set(lambda: actor)
    try:
        yield
    finally:
        _acting.reset(earlier)


def note_request(
    view: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: changes during a request are of whoever the request turns out to be from."""

    def with_actor(request: HttpRequest) -> HttpResponseBase:
        earlier = _acting.set(lambda: of_request(request))
        try:
            return view(request)
        finally:
            _acting.reset(earlier)

    return with_actor


def of_request(request: HttpRequest) -> Actor:
    """The person, the way and the address of an HTTP request."""
    user = getattr(request, "user", None)
    person = user if isinstance(user, Person) else None
    return Actor(
        name="" if person is None else person.email,
        via=_via(request.path),
        person=person,
        token=getattr(getattr(request, "auth", None), "prefix", ""),
        address=request.META.get("REMOTE_ADDR") or None,
        request_id=request.META.get("HTTP_X_REQUEST_ID", ""),
    )


def as_person(actor: Actor, person: Person) -> Actor:
    """The same way and address, but this person: who signs in is nobody yet."""
    return replace(actor, name=person.email, person=person)


def _via(path: str) -> str:
    if path.startswith("/api/"):
        return Via.API
    return Via.ADMIN if path.startswith("/admin/") else Via.DASHBOARD
