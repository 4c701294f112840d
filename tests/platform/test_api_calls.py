"""Calls, messages, blocks and failed sign-ins by REST."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource, FailedSignIn, HangUp
from tests.platform.world import Api, World, make_call, make_message

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_a_call_tells_all_that_is_known(acme: World, as_admin: Api) -> None:
    call = as_admin.get(f"calls/{acme.call.public_id}").json()
    assert call["summary"] == "alice called bob for 60 s; bob hung up."
    assert (call["status"], call["ended_by"], call["media"]) == (200, "callee", [])


def test_a_call_names_whose_it_is_and_the_rule_that_it_took(acme: World, as_admin: Api) -> None:
    call = make_call(acme.tenant, acme.domain, call_id="ruled", rule_id=acme.rule.pk)
    shown = as_admin.get(f"calls/{call.public_id}").json()
    named = [shown[name] for name in ("tenant", "domain", "rule")]
    assert named == ["acme", "example.com", str(acme.rule.public_id)]
    acme.rule.delete()
    assert as_admin.get(f"calls/{call.public_id}").json()["rule"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("answered=true", ["call@example.com"]),
        ("answered=false", ["missed"]),
        ("status=486", ["missed"]),
        ("address=BOB@example.com", ["missed", "call@example.com"]),
        ("address=carol@example.com", []),
        ("domain=example.com&since=2020-01-01T00:00:00Z", ["missed", "call@example.com"]),
        ("until=2020-01-01T00:00:00Z", []),
        ("call_id=missed", ["missed"]),
    ],
)
def test_filters(acme: World, as_admin: Api, query: str, found: list[str]) -> None:
    make_call(acme.tenant, acme.domain, call_id="missed", status=486, answered_at=None)
    answer = as_admin.get(f"calls?{query}")
    assert [call["call_id"] for call in answer.json()["results"]] == found


@pytest.mark.parametrize(
    "query", ["since=yesterday", "status=x", "answered=maybe", "since=2026-99-99T00:00:00Z"]
)
def test_filters_that_say_nothing(as_admin: Api, query: str) -> None:
    answer = as_admin.get(f"calls?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


def test_messages_and_their_pcap(acme: World, as_admin: Api) -> None:
    text = "BYE sip:bob@192.0.2.20 SIP/2.0\r\nCSeq: 2 BYE\r\n\r\n"
    make_message(acme.call.call_id, acme.call.started_at, tenant=acme.tenant, text=text)
    [message] = as_admin.get(f"calls/{acme.call.public_id}/messages").json()
    assert (message["way"], message["text"]) == ("in", text)
    answer = as_admin.get(f"calls/{acme.call.public_id}/pcap")
    assert answer.headers["Content-Type"] == "application/vnd.tcpdump.pcap"
    assert answer.content.endswith(text.encode())
    assert as_admin.get("calls/nothing/messages").status_code == 404
    assert as_admin.get(f"calls/{acme.live_call.public_id}/messages").json() == []


def test_a_viewer_looks_and_an_admin_hangs_up(acme: World, as_admin: Api) -> None:
    path = f"live-calls/{acme.live_call.public_id}"
    assert Api(acme.people["viewer"]).get(path).json()["answered_at"] is not None
    assert Api(acme.people["viewer"]).delete(path).status_code == 403
    assert not HangUp.objects.exists()
    for _ in range(2):
        assert as_admin.delete(path).status_code == 202
    assert [(each.node_id, each.requested_by) for each in HangUp.objects.all()] == [
        ("a", "admin@example.com")
    ]


def test_an_operator_blocks_and_lifts(as_operator: Api) -> None:
    made = as_operator.post("blocks", {"address": "2001:DB8::1", "evidence": "calls at night"})
    assert made.status_code == 201
    assert (made.json()["address"], made.json()["reason"]) == ("2001:db8::1", "manual")
    assert as_operator.get("blocks/2001:db8::1").status_code == 200
    assert as_operator.delete("blocks/2001:db8::1").status_code == 204
    assert as_operator.get("blocks").json()["results"] == []
    again = as_operator.post("blocks", {"address": "2001:db8::1", "seconds": 60})
    assert again.status_code == 201, again.content
    until = services.blocked().get().blocked_until
    assert until - timezone.now() < timedelta(seconds=61)


@pytest.mark.parametrize("address", ["", "x", "192.0.2.256", None, 5])
def test_only_addresses_are_blocked(as_operator: Api, address: object) -> None:
    answer = as_operator.post("blocks", {"address": address})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "address"


def test_networks_are_allowed_in_their_one_form(as_operator: Api) -> None:
    made = as_operator.post("allowed-sources", {"network": "192.0.2.77/24", "note": "office"})
    assert made.json()["network"] == "192.0.2.0/24"
    assert as_operator.post("allowed-sources", {"network": "192.0.2.0/24"}).status_code == 409
    assert as_operator.post("allowed-sources", {"network": "here"}).status_code == 400
    assert as_operator.delete(f"allowed-sources/{made.json()['id']}").status_code == 204
    assert not AllowedSource.objects.exists()


def test_failed_sign_ins_by_user(acme: World, as_admin: Api) -> None:
    FailedSignIn.objects.create(
        domain=acme.domain, aor="bob@example.com", address="192.0.2.9", hour=timezone.now()
    )
    [row] = as_admin.get("failed-sign-ins?user=bob@example.com").json()["results"]
    assert (row["user"], row["address"], row["attempts"]) == ("bob@example.com", "192.0.2.9", 1)
    assert len(as_admin.get("failed-sign-ins?address=192.0.2.9").json()["results"]) == 2
    assert as_admin.get("failed-sign-ins?address=rubbish").status_code == 400
