"""For tests of Django that commit: several connections see what they write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection


@pytest.fixture(scope="module", autouse=True)
def audit_log_is_emptied(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Django ends such a test by TRUNCATE, which the audit log refuses, as do the rights of the
    platform's sessions."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        name = connection.ops.quote_name(connection.settings_dict["NAME"])
        cursor.execute(f"ALTER ROLE CURRENT_USER IN DATABASE {name} RESET role")
        cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_is_not_emptied")
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
        cursor.execute("ALTER TABLE audit_entry ENABLE TRIGGER audit_is_not_emptied")
