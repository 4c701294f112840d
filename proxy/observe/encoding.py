"""JSON of our rows: for PostgreSQL's parameters and for lines on disk. Pure."""

from __future__ import annotations

import json
from typing import Any

import orjson


def encoded(value: Any) -> bytes:
    """The value as JSON without white space, in UTF-8; its keys are texts.

    What orjson refuses is written by the standard library, which has a form for it: half a
    surrogate, as hostile text may become, and an integer of more than 64 bits. No row is lost by
    one of them. Raises TypeError where both refuse.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
