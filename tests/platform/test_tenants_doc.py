"""Carries out the examples of docs/tenants.md, by the pages of the dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.people import services as people
from fedsip_platform.routing.models import Alias
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.browsing import Visitor
from tests.platform.world import make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = (Path(__file__).resolve().parents[2] / "docs/tenants.md").read_text()


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def fields(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def prefilled(visitor: Visitor, page: str) -> dict[str, Any]:
    """What stands in a form before anybody types, as browsers send it."""
    visitor.reads(page)
    assert visitor.answer is not None
    form = visitor.answer.context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {
        name: value for name, value in values.items() if value is not None and value is not False
    }


@pytest.fixture
def _dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with DnsThread(Zones({"example.com": "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield


@pytest.fixture
def admin() -> Visitor:
    tenant = services.create_tenant("Acme", "acme")
    person = make_person("admin@example.com")
    people.join(tenant, person, "admin")
    return Visitor(person)


@pytest.mark.usefixtures("_dns")
def test_the_examples_come_out_as_written(admin: Visitor) -> None:
    admin.sends("/t/acme/domains/new", name="example.com")
    domain = Domain.objects.get()
    [csv] = blocks("csv")
    file = SimpleUploadedFile("users.csv", csv.encode())
    shown = admin.sends(
        "/t/acme/users/import", **{"domain": domain.pk, "file": file, "import": "1"}
    )
    assert "3 users are in example.com" in shown
    assert list(Subscriber.objects.values_list("display_name", flat=True)) == [
        "Alice Archer", "Bob, second floor", "Reception",
    ]  # fmt: skip
    for alias in map(fields, blocks("alias")):
        admin.sends(f"/t/acme/routing/aliases/of/{domain.public_id}/new", enabled="on", **alias)
        assert Alias.objects.get(name=alias["name"]).target == f"{alias['target']}@example.com"
    for rule in map(fields, blocks("rule")):
        page = f"/t/acme/routing/of/{domain.public_id}/new"
        admin.sends(page, **prefilled(admin, page) | rule)
        assert admin.problems == []
        assert Translation.objects.get().match_regex == rule["match_regex"]
    tries = [fields(text) for text in blocks("tried")]
    assert len(tries) == 2
    for tried in tries:
        asked = f"caller={tried['caller']}&dialled={tried['dialled']}"
        shown = admin.reads(f"/t/acme/routing/?domain=example.com&{asked}")
        assert admin.answer is not None
        assert admin.answer.context["made"] == tried["becomes"], shown
