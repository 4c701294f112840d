"""The API's reference as the dashboard shows it: read out of the OpenAPI document. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

PREFIX = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body or of an answer."""

    name: str
    kind: str
    """Its type in words."""
    words: str
    is_required: bool = False
    values: tuple[str, ...] = ()
    """Those that it may have, where they are few."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API."""

    key: str
    method: str
    path: str
    summary: str
    words: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    status: str
    """Of success."""
    answer: tuple[Field, ...]
    """Fields of what is answered then, or of each of its results."""


def parts_of(document: Schema) -> list[str]:
    """What the operations are about, in order of the alphabet."""
    found = {tag for *_rest, each in _operations(document) for tag in each.get("tags", ())}
    return sorted(found)


def operations_of(document: Schema, part: str) -> list[Operation]:
    """All operations about this, as the document has them."""
    return [
        _operation(document, method, path, each)
        for path, method, each in _operations(document)
        if part in each.get("tags", ())
    ]


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _operation(document: Schema, method: str, path: str, each: Schema) -> Operation:
    status = next((code for code in each["responses"] if code.startswith("2")), "")
    return Operation(
        each["operationId"],
        method.upper(),
        path.removeprefix(PREFIX),
        each.get("summary", ""),
        each.get("description", ""),
        tuple(_parameter(document, one) for one in each.get("parameters", ())),
        tuple(_fields(document, _content(each.get("requestBody", {})), written=True)),
        status,
        tuple(_fields(document, _content(each["responses"].get(status, {})), written=False)),
    )


def _parameter(document: Schema, one: Schema) -> Field:
    schema = one.get("schema", {})
    return Field(
        one["name"],
        _kind(document, schema),
        one.get("description", ""),
        bool(one.get("required")),
        _values(document, schema),
    )


def _content(holder: Schema) -> Schema:
    """The schema of a body in JSON; {} where there is none."""
    content = holder.get("content", {})
    return dict(content.get("application/json", {}).get("schema", {}))


def _fields(document: Schema, schema: Schema, *, written: bool) -> Iterator[Field]:
    """Fields of an object, or of the objects that a list or a page of a list has."""
    schema = _resolved(document, schema)
    properties = schema.get("properties", {})
    if "items" in schema:
        yield from _fields(document, schema["items"], written=written)
        return
    if not written and "results" in properties:
        yield from _fields(document, properties["results"], written=written)
        return
    required = schema.get("required", ())
    for name, one in properties.items():
        if written and one.get("readOnly"):
            continue
        yield Field(
            name,
            _kind(document, one),
            one.get("description", "").partition("\n")[0],
            written and name in required,
            _values(document, one),
        )


def _resolved(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _kind(document: Schema, schema: Schema) -> str:
    schema = _resolved(document, schema)
    for combined in ("oneOf", "anyOf", "allOf"):
        if combined in schema:
            kinds = [_kind(document, one) for one in schema[combined]]
            return _(" or ").join(dict.fromkeys(kinds))
    if "items" in schema:
        return _("list of %(kind)s") % {"kind": _kind(document, schema["items"])}
    kinds = schema.get("type", "string" if "enum" in schema else "any")
    kind = _(" or ").join([kinds] if isinstance(kinds, str) else kinds)
    return f"{kind} ({schema['format']})" if "format" in schema else kind


def _values(document: Schema, schema: Schema) -> tuple[str, ...]:
    schema = _resolved(document, schema)
    if "items" in schema:
        return _values(document, schema["items"])
    parts = schema.get("oneOf", ()) or schema.get("anyOf", ())
    found = [value for one in parts for value in _values(document, one)]
    return tuple(
        [str(value) for value in schema.get("enum", ()) if value not in ("", None)] + found
    )
