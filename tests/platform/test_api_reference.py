"""The API's reference in the dashboard: all that the OpenAPI document has, as people read it."""

from __future__ import annotations

import pytest

from admin_ui.api_reference import Field, operations_of, parts_of
from tests.platform.world import Api, World

THING = {
    "type": "object",
    "required": ["name", "id"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "readOnly": True},
        "name": {"type": "string", "description": "Its name.\n\n* more"},
        "limit": {"type": ["integer", "null"]},
        "mode": {"oneOf": [{"$ref": "#/components/schemas/Mode"}, {"enum": [""]}]},
    },
}
DOCUMENT = {
    "components": {
        "schemas": {"Thing": THING, "Mode": {"type": "string", "enum": ["on", "off"]}}
    },
    "paths": {
        "/api/v1/things": {
            "get": {
                "operationId": "things_list",
                "tags": ["things"],
                "parameters": [
                    {"name": "q", "required": True, "description": "Which.",
                     "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Mode"}}},
                ],
                "responses": {"200": {"content": {"application/json": {"schema": {
                    "properties": {"results": {
                        "type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
                }}}}},
            },
            "post": {
                "operationId": "things_create",
                "tags": ["things"],
                "summary": "Make one",
                "requestBody": {"content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"default": {}, "201": {}},
            },
            "parameters": [],
        },
        "/api/v1/others": {
            "delete": {"operationId": "o", "tags": ["others"], "responses": {"204": {}}},
        },
    },
}  # fmt: skip
NAME = Field("name", "string", "Its name.", is_required=True)
LIMIT = Field("limit", "integer or null", "")
MODE = Field("mode", "string", "", values=("on", "off"))


def test_operations_with_their_fields() -> None:
    assert parts_of(DOCUMENT) == ["others", "things"]
    get, post = operations_of(DOCUMENT, "things")
    assert (get.method, get.path, get.status) == ("GET", "things", "200")
    assert get.parameters == (
        Field("q", "list of string", "Which.", is_required=True, values=("on", "off")),
    )
    assert get.answer == (
        Field("id", "string (uuid)", ""), Field("name", "string", "Its name."), LIMIT, MODE,
    )  # fmt: skip
    assert (post.method, post.summary, post.status) == ("POST", "Make one", "201")
    assert post.body == (NAME, LIMIT, MODE)
    assert post.answer == ()


@pytest.mark.db
@pytest.mark.django_db
def test_the_page_has_every_operation_of_a_part(acme: World) -> None:
    viewer = Api(acme.people["viewer"])
    shown = viewer.get("/t/acme/developers/api?about=blocks")
    text = shown.content.decode()
    operations = shown.context["operations"]
    assert {(each.method, each.path) for each in operations} >= {
        ("GET", "blocks"), ("POST", "blocks"), ("DELETE", "blocks/{key}"),
    }  # fmt: skip
    assert all(f'id="{each.key}"' in text for each in operations)
    assert "?about=users" in text
    assert viewer.get("/t/acme/developers/api?about=nothing").context["part"] == "aliases"
