"""Idempotency-Key: a POST that is repeated with the same key happens once.

The key is remembered in the transaction of the change itself, so either both are there or neither;
of two at the same time, the second waits for the first. What was refused is not remembered: it may
be tried again. Answers that hold a secret are not kept, so such a repetition is told that the thing
exists, and nothing more.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from .models import RememberedRequest, Token

HEADER = "Idempotency-Key"
NOT_FOR = {
    "session": "nobody is known yet who could repeat it.",
    "users/bulk": "each row brings its user to what it says, so that a repetition changes nothing "
    "and goes on where the first time broke off.",
    "translations/effect": "nothing is written.",
}
"""By the address of a POST that takes no key: why."""
KEY_PATTERN = "^[!-~]{1,100}$"
_KEY = re.compile(KEY_PATTERN, re.ASCII)


class KeyReused(APIException):
    """422: the key stands for another request already."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_detail = gettext_lazy("This Idempotency-Key was used for another request already.")


class DoneAlready(APIException):
    """409: it happened, and its answer is not kept."""

    status_code = status.HTTP_409_CONFLICT
    default_detail = gettext_lazy(
        "This was done already; its answer held a secret, which is shown only once."
    )


def once(
    request: Request,
    act: Callable[[], Response],
    *,
    asked: Callable[[], Any],
    has_secret: bool = False,
) -> Response:
    """Do it, or answer what was answered to the same request before; for views that are no
    resource. `asked` gives what stands for the body, which may be a stream to be read once."""
    with transaction.atomic():
        claimed = claim(request, asked)
        if isinstance(claimed, Response):
            return claimed
        response = act()
        if claimed is not None:
            fill(claimed, response, has_secret=has_secret)
    return response


def claim(request: Request, asked: Callable[[], Any]) -> RememberedRequest | Response | None:
    """The claim to be filled by `fill`, or the earlier answer, or None where no key was given."""
    key = request.headers.get(HEADER)
    if key is None or not request.user.is_authenticated:
        return None
    if not _KEY.fullmatch(key):
        raise ValidationError({HEADER: _("Give 1 to 100 printable ASCII characters, no spaces.")})
    caller = _caller(request)
    fingerprint = _fingerprint(request, asked())
    mine = RememberedRequest(caller=caller, key=key, fingerprint=fingerprint)
    # Waits where another transaction claims the same key at this moment.
    RememberedRequest.objects.bulk_create([mine], ignore_conflicts=True)
    kept = RememberedRequest.objects.get(caller=caller, key=key)
    if kept.status is None:
        return kept
    if kept.fingerprint != fingerprint:
        raise KeyReused
    if kept.body is None and kept.status != status.HTTP_204_NO_CONTENT:
        raise DoneAlready
    return Response(kept.body, kept.status, headers={"Idempotency-Replayed": "true"})


def fill(kept: RememberedRequest, response: HttpResponseBase, *, has_secret: bool) -> None:
    """Remember the answer."""
    kept.status = response.status_code
    shown = getattr(response, "data", None)
    kept.body = None if has_secret else _as_json(shown)
    kept.save(update_fields=["status", "body"])


def _as_json(shown: Any) -> Any:
    return None if shown is None else json.loads(json.dumps(shown, cls=JSONEncoder))


def _caller(request: Request) -> str:
    if isinstance(request.auth, Token):
        return f"token {request.auth.pk}"
    return f"person {request.user.pk}"


def _fingerprint(request: Request, asked: Any) -> str:
    body = json.dumps(asked, cls=JSONEncoder, sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.get_full_path()} {body}".encode()).hexdigest()
