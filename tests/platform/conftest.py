"""Two tenants side by side, people in every role, and clients that speak as them.

Models are imported inside the fixtures: this file is read before Django is set up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fedsip_platform.tenants.models import Person
    from tests.platform.world import Api, World


@pytest.fixture(autouse=True)
def _fresh_throttles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests of one test do not count in the next."""
    from fedsip_platform.api import throttles

    monkeypatch.setattr(throttles, "_buckets", throttles.Buckets())


Wsgi = Callable[[dict[str, Any], Any], Any]


@pytest.fixture
def application(db: None) -> Iterator[Wsgi]:
    """The whole application over HTTPS, for clients other than Django's own."""
    from django.core import signals
    from django.core.wsgi import get_wsgi_application
    from django.db import close_old_connections

    served = get_wsgi_application()
    # As Django's own test client: a connection with a test's transaction stays.
    signals.request_started.disconnect(close_old_connections)
    signals.request_finished.disconnect(close_old_connections)
    yield lambda environ, start: served({**environ, "wsgi.url_scheme": "https"}, start)
    signals.request_started.connect(close_old_connections)
    signals.request_finished.connect(close_old_connections)


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
