"""Every operation keeps to its OpenAPI description, whatever is sent: schemathesis, all checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from fedsip_platform.api import throttles, tokens
from fedsip_platform.tenants.models import Person
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.aims import AIMED
from tests.platform.conftest import Wsgi
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

EXAMPLES = 6

# Texts of our own formats that may be sent: without these, all would be refused as meaningless.
FORMATS = {
    "cursor": ["WyJhIiwiMSIsIjEiXQ"],  # ["a","1","1"]: after what may have gone
    "domain-name": ["example.com", "EXAMPLE.COM", "elsewhere.example"],
    "ip-address": ["192.0.2.1", "2001:db8::1"],
    "sip-address": ["alice@example.com", "sip:bob@elsewhere.example"],
    "tenant-name": ["acme", "elsewhere"],
    "user-name": ["alice@example.com", "nobody@example.com"],
}
for name, texts in FORMATS.items():
    schemathesis.openapi.format(name, st.sampled_from(texts))

# What answers a request that keeps to the description: it may be too late, or aim at what is gone.
# A body may also mean what cannot be, such as a time that is over or a user who is not there.
ACCEPTED = ["2xx", "304", "401", "403", "404", "409", "412", "422", "428"]
REFUSED = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428"]


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A DNS on loopback that answers at once."""
    with DnsThread(Zones({"example.com": "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield


@pytest.fixture
def description(application: Wsgi, dns: None) -> schemathesis.BaseSchema:
    """The API's own description, of the application as it runs."""
    found = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
    found.app = application
    found.config.generation.update(allow_x00=False)  # refused everywhere: test_api_bad_input.py
    return found


def cases_of(operation: schemathesis.schemas.APIOperation) -> st.SearchStrategy[schemathesis.Case]:
    """Requests that keep to the description, and such that do not."""
    return st.one_of([operation.as_strategy(generation_mode=mode) for mode in GenerationMode])


def excluded(case: schemathesis.Case) -> list[schemathesis.CheckFunction]:
    """Checks that cannot hold: few fields were asked for, rows are refused one by one, a cursor
    is of a list that goes by something else, or a chart of more than a month was."""
    asked = set(case.query or {})
    is_odd = asked >= {"cursor", "order"} or (
        case.path.endswith(("/by-hour", "/over-time")) and bool(asked & {"since", "until"})
    )
    return [
        *([checks.positive_data_acceptance] if is_odd else []),
        *([checks.response_schema_conformance] if "fields" in (case.query or {}) else []),
        *([checks.negative_data_rejection] if case.path.endswith("/users/bulk") else []),
    ]


def aim(case: schemathesis.Case, world: World) -> None:
    """Let an address that might be anything lead to something that is there."""
    aims = AIMED.get((case.path.removeprefix("/api/v1/"), case.method.lower()), [])
    if aims and "key" in case.path_parameters:
        address, _ = aims[0](world)
        case.path_parameters["key"] = address.partition("/")[2].partition("/")[0]


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_every_operation(
    method: str,
    description: schemathesis.BaseSchema,
    operator: Person,
    acme: World,
    subtests: pytest.Subtests,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each operation is also asked without a token, and that many strangers would be throttled.
    monkeypatch.setattr(throttles, "ANONYMOUS_PER_MINUTE", 10_000)
    _, token = tokens.create(operator, "schemathesis", "write")
    has_body = method in ("post", "put", "patch")
    expected = description.config.checks
    expected.positive_data_acceptance.expected_statuses = ACCEPTED + ["400"] * has_body
    expected.negative_data_rejection.expected_statuses = REFUSED
    for found in description.include(method=method).get_all_operations():
        operation = found.ok()

        @given(case=cases_of(operation), is_aimed=st.booleans())
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,  # the same requests each time, until the description changes
            phases=[Phase.generate],  # what fails is printed as a curl command: no need to shrink
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        def obeys(case: schemathesis.Case, is_aimed: bool) -> None:
            if is_aimed:
                aim(case, acme)
            with transaction.atomic():
                case.call_and_validate(
                    headers={"Authorization": f"Bearer {token}"}, excluded_checks=excluded(case)
                )
                transaction.set_rollback(True)

        with subtests.test(operation.label):
            obeys()
