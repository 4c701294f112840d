"""fedsip calls, fedsip trace, fedsip blocks"""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import (
    AllowedSource,
    BlockedSource,
    CallRecord,
    HangUp,
    LiveCall,
)
from tests.cli.conftest import Fedsip
from tests.platform.world import make_message

pytestmark = pytest.mark.db


@pytest.fixture
def call(acme: Fedsip) -> CallRecord:
    acme("user", "add", "alice@example.com", "--generate")
    now = timezone.now()
    return CallRecord.objects.create(
        call_id="one@phone",
        caller="sip:alice@example.com",
        callee="sip:bob@example.com",
        request_uri="sip:bob@example.com",
        started_at=now - timedelta(seconds=5),
        ended_at=now,
        status=486,
        reason="Busy Here",
    )


def test_calls_in_sentences(call: CallRecord, fedsip: Fedsip) -> None:
    assert "alice called bob, who was busy (486 Busy Here)." in fedsip("calls").said
    [row] = fedsip("calls", "list", "--failed", "--user", "alice@example.com", "--json").json
    assert (row["id"], row["status"]) == (str(call.public_id), 486)
    assert fedsip("calls", "live").said == "(none)\n"
    for name in (str(call.public_id), "one@phone"):
        shown = fedsip("calls", "show", name, "--json").json
        assert (shown["reason"], shown["verdict"]) == ("Busy Here", [])
    assert "Busy Here" in fedsip("calls", "show", "one@phone").said
    assert fedsip("calls", "show", "two@phone").code == 1


def test_one_call_with_the_places_that_were_tried(call: CallRecord, fedsip: Fedsip) -> None:
    call.hops = [
        {
            "target": "sip:bob@far.test", "address": "udp 192.0.2.9:5060", "status": 503,
            "leads": ["far.test A 192.0.2.9"], "at": call.started_at.isoformat(),
            "outcome": "refused", "reason": "Service Unavailable",
        }
    ]  # fmt: skip
    call.policies = "caller=relay:never,srtp:off media=never"
    call.save()
    said = fedsip("calls", "show", "one@phone").said
    assert "directly, as the policies say" in said
    assert "alice called bob, who was busy (486 Busy Here)." in said
    *_, titles, hop = said.splitlines()
    assert titles.split() == ["TRIED", "ADDRESS", "ENDED", "LED", "BY"]
    assert hop.split("  ")[0] == "0.000 s"
    assert "refused: 503 Service Unavailable" in hop
    assert "far.test A 192.0.2.9" in hop
    shown = fedsip("calls", "show", str(call.public_id), "--json").json
    assert (shown["call_id"], shown["hops"]) == ("one@phone", call.hops)
    assert fedsip("calls", "show", "x").complained == "fedsip: there is no call x.\n"


def test_hang_up(acme: Fedsip) -> None:
    live = LiveCall.objects.create(
        public_id=uuid.uuid4(), call_id="live@phone", started_at=timezone.now(), node_id="n2"
    )
    assert acme("calls", "hang-up", "live@phone").code == 0
    assert acme("calls", "hang-up", str(live.public_id)).code == 0
    assert [(one.public_id, one.node_id) for one in HangUp.objects.all()] == [
        (live.public_id, "n2")
    ]
    missing = acme("calls", "hang-up", "other@phone")
    assert (missing.complained, missing.code) == ("fedsip: no call other@phone goes on.\n", 1)


def test_a_call_id_that_is_a_uuid_itself(call: CallRecord, acme: Fedsip) -> None:
    """As browsers make them."""
    call.call_id = str(uuid.uuid4())
    call.save()
    live = LiveCall.objects.create(
        public_id=uuid.uuid4(), call_id=str(uuid.uuid4()), started_at=timezone.now(), node_id="n2"
    )
    assert acme("calls", "show", call.call_id, "--json").json["id"] == str(call.public_id)
    assert acme("calls", "hang-up", live.call_id).code == 0
    assert HangUp.objects.get().public_id == live.public_id


def test_trace(call: CallRecord, fedsip: Fedsip, tmp_path: Path) -> None:
    nothing = fedsip("trace", "one@phone")
    assert nothing.complained.startswith("fedsip: No message of ")
    text = "INVITE sip:bob@example.com SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n"
    make_message("one@phone", call.started_at, node_id="a", text=text)
    said = fedsip("trace", "one@phone", "--messages").said
    assert said.splitlines()[0] == "alice called bob, who was busy (486 Busy Here)."
    assert "udp 192.0.2.10:5060" in said
    assert said.rstrip().endswith("CSeq: 1 INVITE")
    assert fedsip("trace", "one@phone", "--json").json[0]["text"] == text
    file = tmp_path / "call.pcap"
    assert fedsip("trace", "one@phone", "--pcap", str(file)).code == 0
    assert file.read_bytes().endswith(text.encode())
    unwritable = fedsip("trace", "one@phone", "--pcap", str(tmp_path))
    assert unwritable.complained == f"fedsip: {tmp_path} cannot be written: Is a directory.\n"


def test_blocks(fedsip: Fedsip) -> None:
    until = timezone.now() + timedelta(hours=1)
    BlockedSource.objects.create(address="198.51.100.4", reason="flood", blocked_until=until)
    past = timezone.now() - timedelta(hours=1)
    BlockedSource.objects.create(address="198.51.100.5", reason="flood", blocked_until=past)
    [row] = fedsip("blocks", "list", "--json").json
    assert (row["address"], row["reason"]) == ("198.51.100.4", "flood")
    assert fedsip("blocks", "lift", "198.51.100.4").said == "198.51.100.4 is listened to again.\n"
    assert fedsip("blocks", "lift", "198.51.100.4").complained == (
        "fedsip: 198.51.100.4 is not blocked.\n"
    )
    assert fedsip("blocks", "add", "198.51.100.6", "--hours", "1", "--note", "rude").code == 0
    [row] = fedsip("blocks", "list", "--json").json
    assert (row["address"], row["reason"], row["evidence"]) == ("198.51.100.6", "manual", "rude")
    assert fedsip("blocks", "add", "somebody").complained == "fedsip: somebody is no IP address.\n"


def test_allowed_networks(fedsip: Fedsip) -> None:
    assert fedsip("blocks", "allow", "192.0.2.1/24").said == "192.0.2.0/24 is never blocked.\n"
    assert fedsip("blocks", "allowed", "--json").json == [{"network": "192.0.2.0/24", "note": ""}]
    assert fedsip("blocks", "disallow", "192.0.2.0/24").code == 0
    assert not AllowedSource.objects.exists()
    assert fedsip("blocks", "disallow", "192.0.2.0/24").code == 1
