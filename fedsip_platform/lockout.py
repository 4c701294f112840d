"""The answer to an address that guessed too often (django-axes asks for it)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fedsip_platform.api import errors


def refuse(request: HttpRequest, credentials: dict[str, Any] | None, *more: Any) -> HttpResponse:
    """429 with Retry-After, as a problem body for programs and as a page for people."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    headers = {"Retry-After": str(seconds)}
    status = HTTPStatus.TOO_MANY_REQUESTS
    if request.path.startswith(errors.PREFIX):
        detail = _("Too many failed sign-ins from your address. Try again in %(minutes)d min.") % {
            "minutes": seconds // 60
        }
        return errors.respond(request, status, detail, headers)
    page = {"status": 429, "minutes": seconds // 60}
    response = render(request, "admin_ui/problem.html", page, status=status)
    response["Retry-After"] = headers["Retry-After"]
    return response
