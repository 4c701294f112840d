"""Small steps around every HTTP request: its id, and what its page may load."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[[HttpRequest], HttpResponseBase]

_FORMS = "form-action 'self'"
STRICT = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    f"{_FORMS}; frame-ancestors 'none'"
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
        response.headers.setdefault(_HEADER, _strict(settings.WEB.oidc_issuer))
        return response

    return with_policy


def _strict(issuer: str) -> str:
    """Browsers hold `form-action` against where a form's answer leads, too: single sign-on's
    button leads to its provider."""
    parts = urlsplit(issuer)
    return STRICT.replace(_FORMS, f"{_FORMS} {parts.scheme}://{parts.netloc}") if issuer else STRICT


def api_is_not_stored(view: View) -> View:
    """Keep answers of the API out of every cache: they belong to one person."""

    def without_storing(request: HttpRequest) -> HttpResponseBase:
        response = view(request)
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    return without_storing
