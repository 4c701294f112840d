"""fedsip rule, alias, forward, group, trunk, policy"""

from __future__ import annotations

import pytest

from fedsip_platform.directory.models import Translation
from fedsip_platform.routing.models import GatewayHealth, RingGroup, Trunk
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


@pytest.fixture
def users(acme: Fedsip) -> Fedsip:
    """alice and bob of example.com."""
    for name in ("alice", "bob"):
        assert acme("user", "add", f"{name}@example.com", "--generate").code == 0
    return acme


def test_a_rule_from_making_to_deleting(acme: Fedsip) -> None:
    words = ("match_regex=^1000$", "tran_user=eric", r"tran_add_header=X-A: 1\nX-B: 2")
    made = acme("rule", "add", "example.com", *words, "--json").json
    assert Translation.objects.get().tran_add_header == "X-A: 1\nX-B: 2"
    acme("rule", "set", made["id"], "valid-until=2030-01-01T00:00:00Z", "tran_port=5070")
    acme("rule", "set", made["id"], "tran_port=none", "enabled=off")
    [listed] = acme("rule", "list", "--domain", "example.com", "--json").json
    assert (listed["tran_user"], listed["tran_port"], listed["enabled"]) == ("eric", None, False)
    assert listed["valid_until"] == "2030-01-01T00:00:00+00:00"
    assert acme("rule", "delete", made["id"]).code == 0
    assert not Translation.objects.exists()


def test_aliases(users: Fedsip) -> None:
    assert users("alias", "add", "1000@example.com", "alice").said == (
        "1000@example.com leads to alice@example.com now.\n"
    )
    assert users("alias", "list", "--json").json[0]["target"] == "alice@example.com"
    changed = users("alias", "set", "1000@example.com", "target=bob", "enabled=off")
    assert changed.said == "1000@example.com has target=bob@example.com, enabled=off now.\n"
    assert users("alias", "delete", "1000@example.com").code == 0
    assert users("alias", "list").said == "(none)\n"


def test_forwards_are_set_and_changed(users: Fedsip) -> None:
    said = users("forward", "set", "alice@example.com", "no_answer", "bob").said
    assert (
        said == "calls to alice@example.com go to bob@example.com: when nobody answers in time.\n"
    )
    users(
        "forward", "set", "alice@example.com", "no_answer", "+15551234567", "--ring-seconds", "30"
    )
    [row] = users("forward", "list", "--user", "alice@example.com", "--json").json
    assert (row["target"], row["ring_seconds"]) == ("+15551234567@example.com", 30)
    assert users("forward", "delete", "alice@example.com", "no_answer").code == 0


def test_groups(users: Fedsip) -> None:
    words = ("members=bob, alice", "strategy=in_order")
    assert users("group", "add", "sales@example.com", *words).said == (
        "sales@example.com rings 2 users.\n"
    )
    assert RingGroup.objects.get().members == ["bob@example.com", "alice@example.com"]
    users("group", "set", "sales@example.com", "members=alice", "fallback=bob")
    [row] = users("group", "list", "--json").json
    assert (row["members"], row["fallback"]) == (["alice@example.com"], "bob@example.com")
    assert users("group", "delete", "sales@example.com").code == 0


def test_trunks_and_how_their_gateways_are(acme: Fedsip) -> None:
    acme("trunk", "add", "carrier@example.com", "inbound-addresses=192.0.2.1, 192.0.2.2")
    acme("trunk", "gateway", "carrier@example.com", "sbc.carrier.example", "transport=tls")
    acme("trunk", "gateway", "carrier@example.com", "sbc.carrier.example", "priority=1")
    gateway = Trunk.objects.get().gateways.get()
    GatewayHealth.objects.create(
        node_id="a",
        gateway=gateway,
        is_alive=False,
        checked_at=gateway.created_at,
        changed_at=gateway.created_at,
    )
    [row] = acme("trunk", "list", "--json").json
    assert row["inbound_addresses"] == ["192.0.2.1", "192.0.2.2"]
    assert row["gateways"] == ["sbc.carrier.example;transport=tls (dead, priority 1, weight 10)"]
    assert acme("trunk", "drop-gateway", "carrier@example.com", "sbc.carrier.example").code == 0
    assert acme("trunk", "delete", "carrier@example.com").code == 0


def test_a_carriers_account(acme: Fedsip) -> None:
    trunk = "carrier@example.com"
    refused = acme("trunk", "add", trunk, "account=acme-4711")
    assert (refused.code, refused.complained) == (1, "fedsip: The account needs its password.\n")
    words = ("trunk", "add", trunk, "account=acme-4711", "--password-stdin", "--json")
    made = acme(*words, stdin="carriers secret\n")
    assert (made.json["account"], made.json["has_password"]) == ("acme-4711", True)
    assert "secret" not in made.said
    assert "sealed_password" not in made.json
    refused = acme("trunk", "set", trunk, "sealed_password=x").complained
    assert "there is no field sealed_password; there are" in refused
    sealed = Trunk.objects.get().sealed_password
    assert acme("trunk", "set", trunk, "--password-stdin", stdin="another\n").code == 0
    assert Trunk.objects.get().sealed_password != sealed
    assert acme("trunk", "set", trunk, "account=").code == 0
    assert not Trunk.objects.get().has_password


def test_policies_of_a_domain_and_of_a_user(users: Fedsip) -> None:
    users("policy", "set", "example.com", "classes=national, toll_free")
    users("policy", "set", "alice@example.com", "caller_id=+15550000000", "deny_regex=^900")
    rows = {row["of"]: row for row in users("policy", "list", "--json").json}
    assert rows["example.com"]["classes"] == ["national", "toll_free"]
    assert rows["alice@example.com"]["deny_regex"] == "^900"
    assert users("policy", "delete", "example.com").code == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rule", "add", "example.com", "tran_user"), "tran_user is no field=value"),
        (("rule", "add", "example.com", "colour=red"), "there is no field colour; there are"),
        (("rule", "add", "example.com", "hours=never"), "'never' has no times"),
        (("rule", "add", "example.com", "valid_from=soon"), "valid_from is a time such as"),
        (("rule", "show", "1"), "1 is no id"),
        (("alias", "add", "1@example.com", "eve"), "There is no user eve@example.com here."),
        (("alias", "delete", "1@example.com"), "there is no alias 1 in example.com."),
        (("forward", "delete", "alice@example.com", "busy"), "alice@example.com has no forward"),
        (("group", "set", "x@example.com", "members=alice"), "there is no ring group x"),
        (("trunk", "list", "--domain", "x.example"), "there is no domain x.example here"),
        (("trunk", "delete", "x@example.com"), "there is no trunk x in example.com."),
        (("policy", "set", "example.com", "classes=moon"), "Item 1 in the array did not validate"),
    ],
)
def test_errors_are_sentences(users: Fedsip, words: tuple[str, ...], sentence: str) -> None:
    outcome = users(*words)
    assert outcome.complained.startswith(f"fedsip: {sentence}")
    assert (outcome.complained.count("\n"), outcome.said, outcome.code) == (1, "", 1)
