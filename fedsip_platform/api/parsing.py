"""Reads JSON bodies of strangers."""

from __future__ import annotations

import io
from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

LONGEST_BODY = 1024 * 1024


class TooLarge(APIException):
    """The framework has none for 413."""

    status_code = 413

    def __init__(self, most: int = LONGEST_BODY) -> None:
        said = _("The body has more than %(longest_body)s bytes.")
        super().__init__(said % {"longest_body": most})


class BoundedJSONParser(JSONParser):
    """JSON of bounded size and depth; what exceeds either is the client's fault, not ours."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        body = stream.read(LONGEST_BODY + 1)
        if len(body) > LONGEST_BODY:
            raise TooLarge
        try:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError as error:
            raise ParseError(_("The body is nested too deeply.")) from error
