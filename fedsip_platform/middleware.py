"""Small steps around every HTTP request: its id, and what its page may load."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[[HttpRequest], HttpResponseBase]

STRICT = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
# The API's documentation pages bring styles of their own inside the page; scripts never.
INLINE_STYLES = STRICT + "; style-src 'self' 'unsafe-inline'"

_HEADER = "Content-Security-Policy"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def request_id(view: View) -> View:
    """Give every request an id, the caller's own if it is decent, and return it with the answer."""

    def with_id(request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get("X-Request-ID", "")
        chosen = given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        request.META["HTTP_X_REQUEST_ID"] = chosen
        response = view(request)
        response["X-Request-ID"] = chosen
        return response

    return with_id


def content_security_policy(view: View) -> View:
    """Let pages load from this host alone, unless the view has said something else."""

    def with_policy(request: HttpRequest) -> HttpResponseBase:
        response = view(request)
        response.headers.setdefault(_HEADER, STRICT)
        return response

    return with_policy


def api_is_not_stored(view: View) -> View:
    """Keep answers of the API out of every cache: they belong to one person."""

    def without_storing(request: HttpRequest) -> HttpResponseBase:
        response = view(request)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return without_storing
