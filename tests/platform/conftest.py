"""Two tenants side by side, people in every role, and clients that speak as them.

Models are imported inside the fixtures: this file is read before Django is set up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fedsip_platform.tenants.models import Person
    from tests.platform.world import Api, World


@pytest.fixture(autouse=True)
def _fresh_throttles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of one test do not count in the next."""
    from fedsip_platform.api import throttles

    monkeypatch.setattr(throttles, "_buckets", throttles.Buckets())


@pytest.fixture
def acme(db: None) -> World:
    from tests.platform.world import make_world

    return make_world("acme", "example.com")


@pytest.fixture
def rival(db: None) -> World:
    from tests.platform.world import make_world

    return make_world("rival", "example.net")


@pytest.fixture
def operator(db: None) -> Person:
    from tests.platform.world import make_person

    return make_person("operator@example.org", is_operator=True)


@pytest.fixture
def as_operator(operator: Person) -> Api:
    from tests.platform.world import Api

    return Api(operator)


@pytest.fixture
def as_admin(acme: World) -> Api:
    from tests.platform.world import Api

    return Api(acme.people["admin"])
