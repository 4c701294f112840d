"""What would become of a call: rule by rule, at other hours, by trunks, at home."""

from __future__ import annotations

from typing import Any

import pytest

from fedsip_platform.directory import services as directory
from fedsip_platform.federation import services as federation
from fedsip_platform.location.models import Binding
from fedsip_platform.routing import services
from fedsip_platform.routing.models import GatewayHealth, OutboundPolicy
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def tried(api: Api, dialled: str, **more: str) -> dict[str, Any]:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    answer = api.get(f"translations/try?caller=alice@example.com&dialled={dialled}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_each_rule_says_why(acme: World, as_admin: Api) -> None:
    directory.create_translation(acme.domain, match_regex="^2", note="twos")
    directory.create_translation(
        acme.domain, match_regex="^1", priority=200, tran_domain="192.0.2.9",
        tran_add_header="X-A: 1", tran_remove_header="X-B",
        tran_from_user="+15550100", tran_from_display="Shop",
    )  # fmt: skip
    shown = tried(as_admin, "1000")
    first, twos, backup = shown["rules"]
    assert (first["matches"], first["share"]) == (True, 1.0)
    assert first["request_uri"] == "sip:eric@example.com"
    assert twos["reason"] == "^2 is not found in the called user"
    assert (backup["share"], backup["request_uri"]) == (0.0, "sip:1000@192.0.2.9")
    assert (backup["added"], backup["removed"]) == (["x-a: 1"], ["x-b"])
    assert (backup["from_user"], backup["from_display"]) == ("+15550100", "Shop")
    assert (first["from_user"], first["from_display"]) == ("", "")
    assert shown["request_uri"] == "sip:eric@example.com"
    assert shown["way"] == [
        "There is no user eric@example.com: 404.",
        "Then the next rule is tried.",
        "The host is none of ours: the call leaves.",
    ]


def test_at_another_hour_the_call_leaves(acme: World, as_admin: Api) -> None:
    directory.update_domain(acme.domain, time_zone="Europe/Berlin")
    directory.create_translation(
        acme.domain, match_regex="^2", hours="Mon 08:00-09:00", tran_domain="192.0.2.9"
    )
    monday = tried(as_admin, "2000", at="2026-11-23T07:30:00Z")
    assert monday["request_uri"] == "sip:2000@192.0.2.9"
    [server] = monday["servers"]
    assert [hop["address"] for hop in server["hops"]] == ["192.0.2.9"]
    sunday = tried(as_admin, "2000", at="2026-11-22T07:30:00Z")
    assert sunday["rules"][1]["reason"] == "it is not within Mon 08:00-09:00 (Europe/Berlin)"
    assert sunday["servers"] == []


def test_trunks_aliases_groups_and_forwards(acme: World, as_admin: Api) -> None:
    [sentence] = tried(as_admin, "sales")["way"]
    assert sentence == "sales@example.com rings alice@example.com at once, 20 s."
    directory.delete_translation(acme.rule)
    way = tried(as_admin, "1000")["way"]
    assert way[0] == "1000@example.com is another name of alice@example.com."
    assert way[1] == "alice@example.com is a user of ours with 1 registered contact."
    assert way[2] == "Forwarded to +15551234567@example.com when the user is busy."
    services.update_gateway(acme.routes["gateways"], host="192.0.2.8", transport="tcp")
    directory.create_translation(acme.domain, match_regex=r"^\+", tran_trunk="carrier")
    shown = tried(as_admin, "%2B15550001111")
    assert shown["rules"][0]["trunk"] == "carrier"
    assert shown["servers"][0]["uri"] == "sip:+15550001111@192.0.2.8;transport=tcp"


def test_called_as_sips_it_stays_so(acme: World, as_admin: Api) -> None:
    directory.delete_translation(acme.rule)
    Binding.objects.filter(aor="alice@example.com").update(protocol="udp")
    *_, refusal = tried(as_admin, "sips:1000@example.com")["way"]
    assert refusal == "No phone that registered over TLS of alice@example.com is there: 480."
    Binding.objects.filter(aor="alice@example.com").update(protocol="tls")
    assert "1 registered contact" in tried(as_admin, "sips:1000@example.com")["way"][1]
    services.create_forward(acme.user, "always", "bob@192.0.2.9")
    [server] = tried(as_admin, "sips:1000@example.com")["servers"]
    assert server["uri"] == "sips:bob@192.0.2.9"


def test_others_of_this_platform_are_not_looked_into(
    acme: World, rival: World, as_admin: Api
) -> None:
    shown = tried(as_admin, "alice@example.net")
    assert shown["way"] == ["example.net is another domain of this platform."]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("caller=alice@example.com", "dialled"),
        ("caller=alice@example.com&dialled=a b@c d", "uri"),
        ("caller=alice@example.com&dialled=sip:example.com", "dialled"),
        ("caller=alice@example.com&dialled=1&at=soon", "at"),
        ("caller=nobody&dialled=1", "caller"),
    ],
)
def test_refused(as_admin: Api, query: str, field: str) -> None:
    answer = as_admin.get(f"translations/try?{query}")
    assert answer.status_code in (400, 403)
    assert answer.json()["errors"][0]["field"] == field


def test_what_policies_do_not_allow(acme: World, as_admin: Api) -> None:
    def way(dialled: str) -> list[str]:
        return list(tried(as_admin, dialled)["way"])

    open_ = ["The host is none of ours: the call leaves."]
    assert way("bob@192.0.2.9") == open_
    directory.update_domain(acme.domain, federation="verified_tls")
    assert way("bob@192.0.2.9") == [
        "The host is none of ours: the call leaves, to whoever proves over TLS to be 192.0.2.9."
    ]
    assert way("sip:bob@192.0.2.9;transport=udp") == [
        "The call is refused with 488: 192.0.2.9 may be called over TLS alone."
    ]
    federation.create_rule(acme.domain, "elsewhere.org", allow=False)
    assert way("bob@elsewhere.org") == [
        "The call is refused with 403: example.com has no calls with elsewhere.org (denied)."
    ]
    directory.update_domain(acme.domain, federation="allow_list")
    assert "(not_listed)" in way("bob@192.0.2.9")[0]
    policy = OutboundPolicy.objects.get(domain=acme.domain, user=None)
    services.update_outbound_policy(policy, classes=["national"])
    assert way("bob@192.0.2.9") == [
        "The call is refused with 403: the domain's outbound policy does not allow domains."
    ]


def test_gateway_that_is_dead_is_the_last(acme: World, as_admin: Api) -> None:
    dead = services.update_gateway(acme.routes["gateways"], host="192.0.2.8", priority=1)
    services.create_gateway(dead.trunk, "192.0.2.7", priority=2)
    now = dead.created_at
    GatewayHealth.objects.create(
        node_id="a", gateway=dead, is_alive=False, checked_at=now, changed_at=now
    )
    directory.create_translation(acme.domain, match_regex=r"^\+", tran_trunk="carrier")
    shown = tried(as_admin, "%2B15550001111")
    assert [server["uri"] for server in shown["servers"]] == [
        "sip:+15550001111@192.0.2.7",
        "sip:+15550001111@192.0.2.8",
    ]
    assert shown["way"][1] == "192.0.2.8 does not answer OPTIONS: it is tried last."


def test_number_that_enum_knows(
    acme: World, as_admin: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = """
        @ NAPTR 10 10 "u" "E2U+sip" "!^.*$!sip:info@192.0.2.9!" .
        @ NAPTR 20 10 "u" "E2U+sip" "!^.*$!sip:info@192.0.2.8!" .
        """
    with DnsThread(Zones({"1.1.1.1.0.0.0.5.5.5.1.e164.test": table})) as dns:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", dns.address)
        monkeypatch.setenv("FEDSIP_SIP_ENUM_ROOTS", "e164.test")
        directory.update_domain(acme.domain, enum=True)
        shown = tried(as_admin, "%2B15550001111")
    assert shown["way"] == [
        "The number is no user of ours; ENUM has sip:info@192.0.2.9, then sip:info@192.0.2.8.",
        "The host is none of ours: the call leaves.",
    ]
