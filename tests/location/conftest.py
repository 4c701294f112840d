"""A migrated database with one domain and alice, and writers and feeds on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.harness.database import Administrator


@pytest.fixture
def administrator(fresh_url: str) -> Iterator[Administrator]:
    """Somebody with a connection of his own; domain 1 and user 7 are there."""
    made = Administrator(fresh_url)
    domain = made.domain(made.tenant(), id=1)
    made.subscriber(domain, "alice@example.com", id=7)
    yield made
    made.close()
