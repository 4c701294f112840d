"""Problem bodies (RFC 9457): every refusal of the API names the field and the reason.

{"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "...",
 "errors": [{"field": "username", "reason": "..."}], "request_id": "..."}
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.views import set_rollback

from fedsip_platform.changes import Conflict, ServiceError

from . import throttles
from .parsing import TooLarge

PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"
LONGEST_REASON = 300
REFUSALS = (
    *(exceptions.AuthenticationFailed, exceptions.NotAuthenticated),
    *(exceptions.PermissionDenied, PermissionDenied),
)

Problem = dict[str, str]


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The REST framework's exception handler: None leaves the error to Django (500).

    Always JSON, whatever the address renders when all is well.
    """
    problems: list[Problem] = []
    headers: dict[str, str] = {}
    if isinstance(error, REFUSALS):
        # The framework asks who calls, and whether he may, before it counts.
        wait = throttles.count_refused(context["request"])
        error = exceptions.Throttled(wait) if wait else error
    if isinstance(error, ServiceError):
        status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.BAD_REQUEST
        problems = [{"field": field, "reason": reason} for field, reason in error.problems]
        detail = _("The request was refused.")
    elif isinstance(error, Http404):
        status, detail = HTTPStatus.NOT_FOUND, _("There is nothing here, or nothing you may see.")
    elif isinstance(error, PermissionDenied):
        status, detail = HTTPStatus.FORBIDDEN, str(error) or _("You may not do this.")
    elif isinstance(error, exceptions.APIException):
        status, headers = HTTPStatus(error.status_code), _headers(error)
        found = list(_problems(error.detail))
        if any(each["field"] for each in found):
            problems, detail = found, _("The request was refused.")
        else:
            detail = " ".join(each["reason"] for each in found)
    else:
        return None
    set_rollback()
    return respond(context["request"], status, detail, headers, problems)


def respond(
    request: HttpRequest,
    status: HTTPStatus,
    detail: str,
    headers: dict[str, str] | None = None,
    problems: list[Problem] | None = None,
) -> HttpResponse:
    """A problem as the answer to a request for the API."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    if problems:
        body["errors"] = problems
    if "HTTP_X_REQUEST_ID" in request.META:
        body["request_id"] = request.META["HTTP_X_REQUEST_ID"]
    return JsonResponse(body, status=status, headers=headers, content_type=CONTENT_TYPE)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404."""
    if request.path.startswith(PREFIX):
        return respond(request, HTTPStatus.NOT_FOUND, _("There is no such address in the API."))
    return render(request, "admin_ui/problem.html", {"status": 404}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a wrong Host, a forged cookie, a body that is too big."""
    if request.path.startswith(PREFIX):
        if isinstance(exception, RequestDataTooBig):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return respond(request, status, str(TooLarge().detail))
        return respond(request, HTTPStatus.BAD_REQUEST, _("The request could not be understood."))
    return _page(request, HTTPStatus.BAD_REQUEST)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    if request.path.startswith(PREFIX):
        return respond(request, HTTPStatus.FORBIDDEN, _("You may not do this."))
    return render(request, "admin_ui/problem.html", {"status": 403}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: the log has the traceback under the same request id."""
    if request.path.startswith(PREFIX):
        return respond(
            request,
            HTTPStatus.INTERNAL_SERVER_ERROR,
            _("Something broke on our side; the log knows more under this request id."),
        )
    return _page(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    if request.path.startswith(PREFIX):
        return respond(
            request, HTTPStatus.FORBIDDEN, _("CSRF check failed: %(reason)s") % {"reason": reason}
        )
    return _page(request, HTTPStatus.FORBIDDEN, is_old_form=True)


def _page(request: HttpRequest, status: HTTPStatus, **more: bool) -> HttpResponse:
    """For people, where nothing is sure: it asks neither the session nor the database."""
    request_id = request.META.get("HTTP_X_REQUEST_ID", "")
    page = {"status": int(status), "request_id": request_id, **more}
    return HttpResponse(render_to_string("admin_ui/problem.html", page), status=status)


def _problems(detail: Any, field: str = "") -> Iterator[Problem]:
    """Flatten the framework's nested errors into (field, reason) pairs."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            yield from _problems(inner, ".".join(filter(None, (field, own))))
    elif isinstance(detail, list):
        for inner in detail:
            yield from _problems(inner, field)
    else:
        yield {"field": field, "reason": _shortened(str(detail))}


def _shortened(text: str) -> str:
    """Some reasons of the framework repeat what was sent, however long it was."""
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if isinstance(error, exceptions.Throttled) and error.wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.wait)))
    challenge = getattr(error, "auth_header", None)  # set by the framework, not declared
    if challenge:
        headers["WWW-Authenticate"] = challenge
    return headers
