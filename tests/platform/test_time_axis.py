"""One call on one axis of time, and the places where it was tried: page, API and command agree."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from admin_ui.ladder_drawing import drawing_of
from admin_ui.time_axis import axis_of, elapsed
from fedsip_platform.calls import verdict
from fedsip_platform.calls.hops import OUTCOMES, hops_of
from fedsip_platform.calls.messages import opened
from fedsip_platform.calls.models import CallRecord, KeptMessages
from tests.platform.world import Api, World, make_call, make_message

pytestmark = pytest.mark.db

LED = 'far.example NAPTR 10 20 "s" "SIP+D2U" "" _sip._udp.far.example.'


def tried(call: CallRecord, seconds: float, outcome: str, **facts: Any) -> dict[str, Any]:
    at = call.started_at + timedelta(seconds=seconds)
    row = {"target": "sip:x@far.example", "address": "udp 203.0.113.1:5060", "leads": [LED]}
    return {**row, "at": at.isoformat(), "outcome": outcome, "status": 0, "reason": "", **facts}


@pytest.fixture
def call(acme: World) -> CallRecord:
    """Tried at a server that is overloaded, then at one that answers."""
    made = make_call(acme.tenant, acme.domain, call_id="axis@acme")
    made.hops = [
        tried(made, 0.1, "refused", status=503, reason="Service Unavailable"),
        tried(made, 0.5, "answered", status=200, reason="OK", address="udp 203.0.113.2:5060"),
    ]
    made.save()
    return made


def test_decisions_stand_in_order_on_the_axis(call: CallRecord) -> None:
    axis = axis_of(call, None, now=call.ended_at)
    assert [(one.what, one.address, one.ending) for one in axis.decisions] == [
        ("Came from", "", ""),
        ("Sent to", "udp 203.0.113.1:5060", "refused: 503 Service Unavailable"),
        ("Sent to", "udp 203.0.113.2:5060", "answered: 200 OK"),
        ("Rang", "", ""),
        ("Answered", "", ""),
        ("Ended by the callee", "", "200 BYE"),
    ]
    assert [one.seconds for one in axis.decisions] == pytest.approx([0, 0.1, 0.5, 1, 10, 70])
    assert axis.end - axis.begin == pytest.approx(70)
    assert [round(mark.percent) for mark in axis.decided] == [0, 0, 1, 1, 14, 100]
    assert [tick.title for tick in axis.ticks] == ["0 s", "0:18", "0:35", "0:52", "1:10"]


def test_the_axis_begins_with_the_first_message(call: CallRecord, acme: World) -> None:
    """Which comes before the call began: it was challenged first."""
    for seconds in (-0.5, 0.0, 71):
        at = call.started_at + timedelta(seconds=seconds)
        make_message(call.call_id, at, tenant=acme.tenant, domain=acme.domain, node_id="a")
    axis = axis_of(call, drawing_of(opened(KeptMessages.objects.all())), now=call.ended_at)
    assert axis.begin == pytest.approx(call.started_at.timestamp() - 0.5)
    assert axis.end == pytest.approx(call.started_at.timestamp() + 71)
    assert [round(mark.percent, 1) for mark in axis.messages] == [0, 0.7, 100]
    assert [mark.opens for mark in axis.messages] == ["message-0", "message-1", "message-2"]
    assert axis.decisions[0].seconds == pytest.approx(0.5)


def test_a_call_that_is_over_at_once_has_an_axis(call: CallRecord) -> None:
    call.ended_at = call.started_at
    axis = axis_of(call, None, now=call.ended_at)
    assert axis.end > axis.begin


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (0.1234, "0.123 s"), (9.5, "9.5 s"), (65, "1:05")]
)
def test_elapsed(seconds: float, said: str) -> None:
    assert elapsed(seconds) == said


def test_every_outcome_has_words(call: CallRecord) -> None:
    call.hops = [tried(call, 0, outcome) for outcome in OUTCOMES]
    assert [hop.ending for hop in hops_of(call)] == [str(words) for words in OUTCOMES.values()]


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        ({}, "answered"),
        ({"answered_at": None, "status": 487, "reason": "Request Terminated"}, "cancelled"),
        ({"answered_at": None, "status": 408, "ended_by": "proxy"}, "unanswered"),
        ({"answered_at": None, "ringing_at": None, "status": 408, "ended_by": "proxy"}, "silent"),
        ({"answered_at": None, "status": 486, "ended_by": "callee"}, "refused"),
        ({"answered_at": None, "status": 480, "ended_by": "proxy"}, "failed"),
    ],
)
def test_a_call_to_one_place_is_told_by_its_other_columns(
    acme: World, ended: dict[str, Any], outcome: str
) -> None:
    call = make_call(acme.tenant, acme.domain, hop="udp 192.0.2.9:5060", **ended)
    [hop] = hops_of(call)
    assert (hop.address, hop.outcome, hop.leads) == ("udp 192.0.2.9:5060", outcome, ())
    assert hops_of(make_call(acme.tenant, acme.domain, hop="", **ended)) == []


def test_why_a_call_went_wrong(acme: World) -> None:
    failed = {"answered_at": None, "status": 503, "reason": "Service Unavailable"}
    call = make_call(acme.tenant, acme.domain, hop="udp 192.0.2.9:5060", **failed)
    assert verdict.why(call) == "the far side said so"
    call.ended_by, call.hop = "proxy", ""
    assert verdict.why(call) == "the platform said so"
    call.status = 480
    assert verdict.why(call) == "no device is signed in"
    call.hops = [tried(call, 0, "failed", reason="connection refused")]
    assert verdict.why(call) == "not reached: connection refused"
    assert verdict.why(make_call(acme.tenant, acme.domain)) == ""
    silent = make_call(acme.tenant, acme.domain, verdict=["no_media_callee"])
    assert verdict.why(silent) == "nothing was heard from the callee"
    given_up = make_call(acme.tenant, acme.domain, answered_at=None, status=487)
    assert verdict.why(given_up) == ""


def test_page_and_api_show_each_place_with_what_led_there(call: CallRecord, acme: World) -> None:
    api = Api(acme.people["viewer"])
    page = api.get(f"/t/{acme.tenant.slug}/calls/{call.public_id}")
    text = unescape(page.content.decode())
    assert "refused: 503 Service Unavailable" in text
    assert LED in text
    answer = api.get(f"calls/{call.public_id}").json()
    assert [hop["address"] for hop in answer["hops"]] == [hop["address"] for hop in call.hops]
    assert answer["hops"][0]["leads"] == [LED]
