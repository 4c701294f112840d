"""ETag, If-Match and If-None-Match (RFC 9110 s13): nobody overwrites what he has not seen.

The tag is a hash over the thing as the API shows it, so it needs no column, and changes exactly
when something visible does.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException
from rest_framework.utils.encoders import JSONEncoder


class PreconditionFailed(APIException):
    """412: it has changed since."""

    status_code = 412
    default_detail = gettext_lazy("It has changed since you read it: read it again, then decide.")


class PreconditionRequired(APIException):
    """428 (RFC 6585 s3)."""

    status_code = 428
    default_detail = gettext_lazy(
        "Send If-Match with the ETag that you read, so that no other change is lost, "
        "or If-Match: * to change it whatever it is now."
    )


def of(shown: Any) -> str:
    """The strong entity tag of a representation."""
    text = json.dumps(shown, cls=JSONEncoder, sort_keys=True)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def is_listed(tag: str, header: str) -> bool:
    """Whether the tag stands in If-Match or If-None-Match."""
    return header.strip() == "*" or tag in (each.strip() for each in header.split(","))
