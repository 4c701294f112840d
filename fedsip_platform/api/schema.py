"""Additions to the OpenAPI schema: how to authenticate, and what refusals look like."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ListSerializer, Serializer

from fedsip_platform.audit import log

from . import areas, examples, idempotency
from .base import ScopedViewSet, fields_of, order_words

PROBLEM = {
    "type": "object",
    "description": "Why a request was refused (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
        "request_id": {"type": "string"},
    },
}
REFUSAL = {
    "description": "Refused; the body says why.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Operations(AutoSchema):
    """Documents what holds for every resource: filters, sparse fields, headers."""

    def get_override_parameters(self) -> list[Any]:
        return [*self._of_every_view(), *self._of_resources()]

    def _of_every_view(self) -> list[Any]:
        if self.method == "GET":
            is_file = getattr(self.view, "action", "") == "export"
            return _fields(
                self.view.serializer_class if is_file else self.get_response_serializers()
            )
        if self.method != "POST" or _address(self.path) in idempotency.NOT_FOR:
            return []
        kind = {"type": "string", "pattern": idempotency.KEY_PATTERN}
        text, place = "A repetition with this key changes nothing.", OpenApiParameter.HEADER
        return [OpenApiParameter(idempotency.HEADER, kind, place, description=text)]

    def _of_resources(self) -> list[Any]:
        view = self.view
        if not isinstance(view, ScopedViewSet):
            return []
        found = []
        if view.action in ("list", "export", "by_hour"):
            found += [_filter(name, each) for name, each in view.filters.items()]
        if view.action == "list" and view.orders:
            words = order_words(view.orders)
            text = "By what the list goes; `-` in front turns it round."
            found.append(OpenApiParameter("order", OpenApiTypes.STR, description=text, enum=words))
        if view.action == "retrieve":
            found.append(_header("If-None-Match", "The ETag that you have: 304 if it still is so."))
        if self.method in ("PUT", "PATCH", "DELETE") and view.lookup_url_kwarg in self.path:
            text = "The ETag that you read, or * for whatever it is now."
            found.append(_header("If-Match", text, required=self.method == "PATCH"))
        return found


def _address(path: str) -> str:
    return path.removeprefix(areas.PREFIX)


def _filter(name: str, each: Any) -> OpenApiParameter:
    return OpenApiParameter(
        name, each.kind, description=each.description, enum=list(each.choices) or None
    )


def _fields(answer: Any) -> list[OpenApiParameter]:
    """`?fields=`, where the answer is one thing or a list of things."""
    shape = answer() if isinstance(answer, type) else answer
    if not isinstance(shape, (Serializer, ListSerializer)):
        return []
    names = [name for name, field in fields_of(shape).items() if not field.write_only]
    found = OpenApiParameter(
        "fields",
        {"type": "array", "items": {"type": "string", "enum": names}, "minItems": 1},
        description="Only these fields, separated by commas; the answer then has no others.",
        explode=False,
        style="form",
    )
    return [found]


def _header(name: str, description: str, *, required: bool = False) -> OpenApiParameter:
    place = OpenApiParameter.HEADER
    return OpenApiParameter(name, OpenApiTypes.STR, place, required, description)


class OwnNames(OpenApiSerializerFieldExtension):
    """What a body names: its format says of what kind it is."""

    target_class = "fedsip_platform.api.base.OwnSlugField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        if self.target.slug_field == "public_id":
            return {"type": "string", "format": "uuid"}
        return {"type": "string", "minLength": 1, "format": name_format(self.target.queryset.model)}


def name_format(model: type[Model]) -> str:
    """The format of strings that name one of these."""
    return f"{log.KINDS.get(str(model._meta.model_name), model._meta.model_name)}-name"


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "fedsip_platform.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "fedsip_... from /tokens"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "fedsip_platform.api.authentication.SignedInAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": "__Host-fedsip-session"}


def describe_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A spectacular hook: every operation may answer with a problem."""
    result["components"].setdefault("schemas", {})["Problem"] = dict(PROBLEM)
    examples.attach(result["components"]["schemas"])
    for path, operations in result["paths"].items():
        if _address(path) in idempotency.NOT_FOR:
            told = operations["post"]
            why = f"No {idempotency.HEADER}: {idempotency.NOT_FOR[_address(path)]}"
            told["description"] = f"{told.get('description', '')} {why}".strip()
        for operation in operations.values():
            operation["responses"]["default"] = REFUSAL
            if any(each["name"] == "If-None-Match" for each in operation.get("parameters", ())):
                operation["responses"]["304"] = {"description": "It is as you have it."}
    return result
