"""/api/v1/users/bulk: thousands of users in one request, answered row by row"""

from __future__ import annotations

import codecs
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from fedsip_platform.audit import actor
from fedsip_platform.directory import bulk

from .base import scope_of
from .filters import read_switch
from .parsing import TooLarge

LONGEST_BODY = 64 * 1024 * 1024
LONGEST_ROW = 16 * 1024
READ_AT_ONCE = 64 * 1024
NDJSON = "application/x-ndjson"


class RowsParser(BaseParser):
    """A JSON array, or NDJSON, read row by row from the request's stream."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        return rows(stream)


class NdjsonRowsParser(RowsParser):
    media_type = NDJSON


class RowSerializer(serializers.Serializer):
    """One user, for the API's description; directory/bulk.py checks it."""

    address = serializers.CharField(help_text="username@domain")
    password = serializers.CharField(required=False, help_text="A new user needs one.")
    display_name = serializers.CharField(required=False, allow_blank=True, max_length=100)
    enabled = serializers.BooleanField(required=False)
    max_contacts = serializers.IntegerField(required=False, allow_null=True)
    max_calls = serializers.IntegerField(required=False, allow_null=True)
    media_policy = serializers.CharField(required=False, help_text="always, auto or never.")
    srtp = serializers.CharField(required=False, help_text="off, offered, required or dtls.")
    codecs = serializers.CharField(required=False, help_text="Such as opus G722 PCMA.")
    note = serializers.CharField(required=False, allow_blank=True, max_length=200)


class AnyAnswer(DefaultContentNegotiation):
    """The answer is NDJSON, whatever the Accept line says."""

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class BulkUsersView(APIView):
    """Make or change many users."""

    parser_classes = [RowsParser, NdjsonRowsParser]
    content_negotiation_class = AnyAnswer

    @extend_schema(
        summary="Make or change many users",
        description="One user a row, as a JSON array or as NDJSON; at most 64 MiB. A user that "
        "exists is changed to what its row says, so the request may be repeated. The answer is "
        "NDJSON: `{row, address, status, errors}` for each row, where status is created, changed, "
        "unchanged or refused, and at the end `{summary}`. With `atomic=true` one refused row "
        "undoes all; the answer is then 422.",
        operation_id="users_bulk",
        parameters=[
            OpenApiParameter("atomic", OpenApiTypes.BOOL, description="All rows or none."),
        ],
        request={
            "application/json": RowSerializer(many=True),
            NDJSON: OpenApiTypes.STR,
        },
        responses={(200, NDJSON): OpenApiTypes.STR, (422, NDJSON): OpenApiTypes.STR},
        examples=[
            OpenApiExample(
                "two users",
                [{"address": "alice@example.com", "password": "a good password"}],
                request_only=True,
                media_type="application/json",
            )
        ],
    )
    def post(self, request: Request) -> HttpResponseBase:
        try:
            is_atomic = read_switch(request.query_params.get("atomic", "false"))
        except ValueError as error:
            raise ValidationError({"atomic": str(error)}) from error
        scope = scope_of(request)
        results = bulk.provision(request.data, bulk.finder(lambda d: scope.may_change(d.tenant)))
        if is_atomic:
            return self._all_or_none(results)
        lines = _lines(results)
        return _answer(request, _as(actor.current(), lines), status.HTTP_200_OK)

    def _all_or_none(self, results: Iterator[bulk.Result]) -> HttpResponseBase:
        with transaction.atomic():
            found = list(results)
            is_refused = any(each.status == bulk.REFUSED for each in found)
            transaction.set_rollback(is_refused)
        code = status.HTTP_422_UNPROCESSABLE_ENTITY if is_refused else status.HTTP_200_OK
        if is_refused:
            for each in found:
                each.status = each.status if each.status == bulk.REFUSED else bulk.UNCHANGED
        return StreamingHttpResponse(_lines(iter(found)), status=code, content_type=NDJSON)


def rows(stream: Any) -> Iterator[Any]:
    """Values of a JSON array, or of lines of JSON; raises ParseError where it is neither.

    A row that is longer than LONGEST_ROW is refused, so that no body can fill the memory.
    """
    decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")()
    text, total, is_end, is_first = "", 0, False, True
    while True:
        text = text.lstrip(" \t\r\n,") if not is_first else text.lstrip(" \t\r\n")
        if is_first and text:
            text, is_first = text.removeprefix("["), False
            continue
        if text.startswith("]") or (is_end and not text):
            return
        try:
            value, end = decoder.raw_decode(text)
            if end == len(text) and not is_end:
                raise ValueError("more may come")
        except RecursionError as error:
            raise ParseError(_("A row is nested too deeply.")) from error
        except ValueError as error:
            if is_end or len(text) > LONGEST_ROW:
                raise ParseError(
                    _("The body is neither a JSON array nor lines of JSON.")
                ) from error
            chunk = stream.read(READ_AT_ONCE)
            total, is_end = total + len(chunk), not chunk
            if total > LONGEST_BODY:
                raise TooLarge(LONGEST_BODY) from error
            try:
                text += utf8.decode(chunk, final=is_end)
            except UnicodeDecodeError as wrong:
                raise ParseError(_("The body is not UTF-8.")) from wrong
            continue
        yield value
        text = text[end:]


def _lines(results: Iterator[bulk.Result]) -> Iterator[str]:
    counted = dict.fromkeys((bulk.CREATED, bulk.CHANGED, bulk.UNCHANGED, bulk.REFUSED), 0)
    problem = None
    try:
        for result in results:
            counted[result.status] += 1
            errors = [{"field": field, "reason": reason} for field, reason in result.errors]
            line: dict[str, Any] = {"row": result.row, "address": result.address}
            line |= {"status": result.status} | ({"errors": errors} if errors else {})
            yield json.dumps(line) + "\n"
    except (ParseError, TooLarge) as error:
        problem = str(error.detail)
    bulk.settle(counted)
    summary = {"summary": counted | ({"stopped": problem} if problem else {})}
    yield json.dumps(summary) + "\n"


def _as(who: actor.Actor, lines: Iterator[str]) -> Iterator[str]:
    """The lines, made in this actor's name: they are made after the request's view has returned."""
    while True:
        with actor.acting(who):
            line = next(lines, None)
        if line is None:
            return
        yield line


def _answer(request: Request, lines: Iterator[str], code: int) -> HttpResponseBase:
    first = next(lines, "")  # a body that is nothing at all is told so, not streamed

    def whole() -> Iterator[str]:
        yield first
        yield from lines

    is_asgi = isinstance(request._request, ASGIRequest)
    content = _in_a_thread(whole()) if is_asgi else whole()
    return StreamingHttpResponse(content, status=code, content_type=NDJSON)


async def _in_a_thread(lines: Iterator[str]) -> AsyncIterator[str]:
    """Lines as they come, a batch at a time: the database is asked in a thread."""

    def some() -> str:
        part = []
        for line in lines:
            part.append(line)
            if len(part) == bulk.BATCH:
                break
        return "".join(part)

    while part := await sync_to_async(some)():
        yield part
