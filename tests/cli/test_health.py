"""fedsip health, node, checks certificates, blocks failures"""

from __future__ import annotations

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import FailedSignIn, Node
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation.models import DomainCheck
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_what_runs_and_what_is_wrong(acme: Fedsip) -> None:
    unwell = acme("health", "--json")
    (proxies,) = unwell.json
    assert (unwell.code, acme("health").code) == (1, 1)
    assert (proxies["name"], proxies["state"]) == ("proxies", "bad")
    now = timezone.now()
    relays = {"one": True, "two": False}
    Node.objects.create(node_id="a", started_at=now, seen_at=now, relays=relays)
    told = acme("health", "--json")
    states = {each["name"]: each["state"] for each in told.json}
    assert told.code == 0
    assert states == {"proxies": "good", "relays": "warn"}
    Node.objects.update(lost_calls=3)
    lost = acme("health", "--json").json[-1]
    assert (lost["name"], lost["state"]) == ("records", "warn")
    (node,) = acme("node", "list", "--json").json
    assert node["lost_calls"] == 3
    assert (node["node"], node["alive"], node["relays"]) == ("a", True, ["one", "two"])
    shown = acme("node", "relays", "--json").json
    assert [(each["relay"], each["answers"]) for each in shown] == [("one", True), ("two", False)]


def test_certificates_and_failed_sign_ins(acme: Fedsip) -> None:
    domain, now = Domain.objects.get(), timezone.now()
    held = {"names": ["example.com"], "expires_at": "2027-01-01T00:00:00+00:00", "issuer": "X"}
    DomainCheck.objects.create(domain=domain, checked_at=now, changed_at=now, certificate=held)
    assert acme("checks", "certificates", "--json").json == [{"domain": "example.com", **held}]
    FailedSignIn.objects.create(domain=domain, aor="eve@example.com", address="192.0.2.1", hour=now)
    (failure,) = acme("blocks", "failures", "--user", "EVE@example.com", "--json").json
    assert failure["address"] == "192.0.2.1"


def test_a_tenant_is_limited_and_deleted(acme: Fedsip) -> None:
    limited = acme("tenant", "set", "acme", "max_calls=5", "max_domains=none", "--json").json
    assert (limited["max_calls"], limited["max_domains"]) == (5, None)
    assert acme("tenant", "delete", "acme").code == 1
    assert acme("tenant", "delete", "acme", "--yes").said == "tenant acme is deleted.\n"
    assert not Domain.objects.exists()
