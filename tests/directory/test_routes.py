"""Tables of routes: changed row by row, found by key."""

from __future__ import annotations

import pytest

from proxy.directory.model import Alias, Forward, OutboundPolicy, Trunk
from proxy.directory.routes import Routes
from proxy.sip.uri import Aor

ALICE = Aor(b"alice@example.com")


def test_a_changed_row_is_found_by_its_new_key_alone() -> None:
    routes = Routes()
    old, new = Aor(b"1000@example.com"), Aor(b"1001@example.com")
    routes.aliases.put([Alias(1, old, ALICE)])
    routes.aliases.put([Alias(1, new, ALICE)])
    assert (routes.alias(old), routes.alias(new)) == (None, Alias(1, new, ALICE))
    routes.aliases.put([], {1, 7})
    assert routes.alias(new) is None
    assert len(routes.aliases) == 0


def test_rows_under_one_key_go_one_by_one() -> None:
    routes = Routes()
    busy, always = (Forward(n, ALICE, c, b"x@y") for n, c in ((1, "busy"), (2, "always")))
    routes.forwards.put([busy, always])
    assert routes.forwards_of(ALICE) == {"busy": busy, "always": always}
    routes.forwards.put([], [2])
    assert routes.forwards_of(ALICE) == {"busy": busy}


def test_a_users_policy_comes_before_that_of_the_domain() -> None:
    routes = Routes()
    own, all_ = OutboundPolicy(1, 7, ALICE), OutboundPolicy(2, 7, Aor(b""))
    routes.policies.put([own, all_])
    assert routes.policy(ALICE, 7) is own
    assert routes.policy(Aor(b"bob@example.com"), 7) is all_
    assert routes.policy(Aor(b"bob@example.net"), 8) is None


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("192.0.2.1", {b"one", b"net"}),
        ("192.0.2.2", {b"net"}),
        ("192.0.2.15", {b"net"}),
        ("192.0.2.16", set()),
        ("2001:db8::1", {b"six"}),
        ("2001:db8:1::1", set()),
    ],
)
def test_trunks_by_the_address_they_call_from(address: str, found: set[bytes]) -> None:
    routes = Routes()
    routes.trunks.put(
        [
            Trunk(1, 1, b"one", ("192.0.2.1",)),
            Trunk(2, 1, b"net", ("192.0.2.0/28",)),
            Trunk(3, 1, b"six", ("2001:db8::/57", "198.51.100.1")),
        ]
    )
    assert {trunk.name for trunk in routes.trunks_from(address)} == found


def test_trunks_by_name() -> None:
    routes = Routes()
    trunk = Trunk(1, 1, b"acme", (), b"sbc.carrier.example")
    routes.trunks.put([trunk])
    assert routes.trunks_by_tls(b"sbc.carrier.example") == (trunk,)
    assert routes.trunks_by_tls(b"carrier.example") == routes.trunks_by_tls(b"") == ()
    assert routes.trunk(1, b"acme") is trunk
    assert routes.trunk(2, b"acme") is None
