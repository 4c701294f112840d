"""Names in letters of their own language may be typed wherever a domain is named (RFC 5891)."""

from __future__ import annotations

import pytest

from fedsip_platform.directory import services as directory
from fedsip_platform.routing import services
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

TYPED, KEPT = "Bücher.Example", "xn--bcher-kva.example"


def test_what_tenants_configure(acme: World) -> None:
    directory.update_domain(acme.domain, e164_country="DE")
    rule = directory.create_translation(
        acme.domain, request_domain=TYPED, tran_domain=f"sip.{TYPED}"
    )
    assert (rule.request_domain, rule.tran_domain) == (KEPT, f"sip.{KEPT}")
    forward = services.create_forward(acme.user, "always", f"bob@{TYPED}")
    assert forward.target == f"bob@{KEPT}"
    trunk = services.create_trunk(acme.domain, "books", inbound_tls_name=TYPED)
    assert trunk.inbound_tls_name == KEPT
    assert services.create_gateway(trunk, TYPED).host == KEPT
    group = services.create_ring_group(acme.domain, "books", fallback=f"bob@{TYPED}")
    assert group.fallback == f"bob@{KEPT}"


def test_what_is_asked(acme: World, as_admin: Api) -> None:
    caller, dialled = "alice@example.com", f"sip:1000@{TYPED}"
    answer = as_admin.get(f"translations/try?caller={caller}&dialled={dialled}")
    assert answer.json()["dialled"] == f"sip:1000@{KEPT}"
    made = as_admin.post(
        "federation-rules", {"domain": "example.com", "pattern": TYPED, "direction": "out"}
    )
    assert made.json()["pattern"] == KEPT
