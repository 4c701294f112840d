"""A call of two baresip phones as it is seen: live, in its record, as messages; and ended by us."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.test_baresip_calls import Phone, Users, talk
from tests.harness.database import Administrator
from tests.harness.platform import Platform
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

_OCTETS = 12 + 160
"""An RTP packet with 20 ms of G.711, as the phones send them."""


def rows(
    administrator: Administrator, query: str, *values: object
) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: administrator.ask(query, *values)


def test_a_call_is_seen_from_begin_to_end(
    platform: Platform, users: Users, baresip: Phone, administrator: Administrator
) -> None:
    alice, bob = baresip(users("alice")), baresip(users("bob"), "tcp")
    caller = f"sip:{alice.account.aor.removeprefix('sip:')}"
    talk(alice, bob)
    live = rows(
        administrator,
        "SELECT public_id, call_id, answered_at IS NOT NULL, hop FROM calls_livecall"
        " WHERE caller = %s",
        caller,
    )
    wait_until(lambda: bool(live() and live()[0][2]), "the call is live")
    [(public_id, call_id, _, hop)] = live()
    assert hop.startswith("tcp 127.0.0.1:")
    bob.command("hangup")
    alice.closed()
    ended = rows(
        administrator,
        "SELECT status, reason, ended_by, media, mos, ringing_at <= answered_at, verdict, codec"
        " FROM calls_callrecord WHERE public_id = %s",
        public_id,
    )
    wait_until(lambda: bool(ended()), "its record is written")
    [(status, reason, ended_by, media, mos, is_in_order, verdict, codec)] = ended()
    assert (status, reason, ended_by, is_in_order) == (200, "BYE", "callee", True)
    assert [stream["sender"] for stream in media] == ["caller", "callee"]
    print(bob.tail())
    print(alice.tail())
    for stream in media:
        packets = stream["packets"]
        assert packets == stream["expected"] > 0, stream
        assert stream["octets"] == packets * _OCTETS, stream
        assert stream["lost"] == 0, stream
        assert stream["codec"] == codec == "PCMU", stream
        assert stream["jitter_ms"] > 0, stream
    assert (mos > 4, verdict) == (True, [])
    assert not live()
    texts = lambda: json.loads(platform.cli("trace", call_id, "--json"))  # noqa: E731
    messages = lambda: [(one["text"].partition(" ")[0], one["way"]) for one in texts()]  # noqa: E731
    wait_until(lambda: ("BYE", "out") in messages(), "its messages are kept")
    kept = messages()
    assert kept[0] == ("INVITE", "in")
    assert {("INVITE", "out"), ("SIP/2.0", "in"), ("ACK", "out"), ("BYE", "in")} <= set(kept)
    credentials = [one["text"] for one in texts() if "uthorization:" in one["text"]]
    assert credentials
    assert all("(masked)" in text and "response=" not in text for text in credentials)


def test_an_operator_ends_a_call(
    platform: Platform, users: Users, baresip: Phone, administrator: Administrator
) -> None:
    alice, bob = baresip(users("alice"), "tls"), baresip(users("bob"))
    caller = f"sip:{alice.account.aor.removeprefix('sip:')}"
    talk(alice, bob)
    live = rows(
        administrator,
        "SELECT public_id, node_id FROM calls_livecall"
        " WHERE caller = %s AND answered_at IS NOT NULL",
        caller,
    )
    wait_until(lambda: bool(live()), "the call is live")
    [(public_id, node_id)] = live()
    assert isinstance(public_id, uuid.UUID)
    administrator.add("calls_hangup", public_id=public_id, node_id=node_id)
    alice.closed()
    bob.closed()
    wait_until(lambda: not live(), "it is no longer live")
    [row] = administrator.ask(
        "SELECT status, reason, ended_by FROM calls_callrecord WHERE public_id = %s", public_id
    )
    assert row == (200, "Hung up", "proxy")
