"""The examples in the API's description: one for each body, and each is accepted as it stands."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from fedsip_platform.api import examples
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.tenants.models import Person
from tests.platform.aims import AIMED
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

REF = "#/components/schemas/"


def described() -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


def bodies(schema: dict[str, Any]) -> dict[tuple[str, str], str]:
    """By (path, method): the component of the JSON that it reads."""
    found = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            if reference:
                found[path.removeprefix("/api/v1/"), method] = reference.removeprefix(REF)
    return found


def test_every_body_has_an_example_that_keeps_to_it() -> None:
    schema = described()
    named = set(bodies(schema).values())
    assert named <= set(examples.BODIES) | set(examples.CHANGES)
    for name in named | {"Problem", "RowRequest"}:
        (example,) = schema["components"]["schemas"][name]["examples"]
        validator = Draft202012Validator(
            {"$ref": f"{REF}{name}", "components": schema["components"]}
        )
        assert not list(validator.iter_errors(example)), name


def test_every_example_is_accepted(acme: World, as_operator: Api, operator: Person) -> None:
    Subscriber.objects.filter(pk=acme.user.pk).update(person=operator)
    trunk = str(acme.routes["trunks"].public_id)
    for (path, method), name in bodies(described()).items():
        if path == "session":
            continue  # nobody has that password: test_api.py signs in
        example = (examples.BODIES | examples.CHANGES)[name]
        if example.get("trunk") == examples.ID:
            example = example | {"trunk": trunk}
        aimed = AIMED.get((path, method))
        address = aimed[0](acme)[0] if aimed else path  # of one's own things alone
        if name == "PatchedAliasRequest":
            example = {"target": "alice"}  # bob may not be there yet
        answer = as_operator.call(method, address, example)
        assert answer.status_code in (200, 201, 202), f"{method} {path}: {answer.content!r}"
