"""The OpenAPI description: made without a warning, valid, and without need of the internet."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.platform.world import Api

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_schema_has_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    GENERATOR_STATS.reset()
    call_command("spectacular", "--validate", "--fail-on-warn")
    assert "Warning" not in capsys.readouterr().err


def test_schema_is_openapi_3_1_with_problems() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert schema["openapi"] == "3.1.0"
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert "default" in operation["responses"], f"{method} {path}"
            assert operation["summary"], f"{method} {path}"
            assert operation["security"], f"{method} {path}"


def test_password_is_only_written() -> None:
    schemas = SchemaGenerator().get_schema(request=None, public=True)["components"]["schemas"]
    assert "password" in schemas["UserRequest"]["properties"]
    assert "password" not in schemas["User"]["properties"]


def test_docs_load_from_this_host_alone() -> None:
    page = Api().get("docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert links
    assert all(link.startswith("/") for link in links)
    assert "script-src" not in page.headers["Content-Security-Policy"]  # so 'self', none inline
    for link in links:
        assert Api().get(link).status_code == 200, link
