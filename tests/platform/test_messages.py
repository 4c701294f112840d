"""The messages of a call, from the rows that proxies wrote and from those of before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fedsip_platform.calls.messages import CallMessage, messages_of, opened
from fedsip_platform.calls.models import KeptMessages
from proxy.observe.message_frames import flow_line, frame
from tests.platform.world import World, make_call, make_message

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_messages_of_a_call_are_not_those_of_a_later_one(acme: World) -> None:
    call = make_call(
        acme.tenant, acme.domain, call_id="same", started_at=NOON,
        ended_at=NOON + timedelta(minutes=1),
    )  # fmt: skip
    for minutes in (0, 1, 30):
        make_message("same", NOON + timedelta(minutes=minutes), tenant=acme.tenant)
    rows = KeptMessages.objects.all()
    assert [message.at.minute for message in messages_of(rows, call)] == [0, 1]
    assert [message.at.minute for message in messages_of(rows, call, most=1)] == [0]


def test_a_row_has_several(acme: World) -> None:
    """Of two nodes, in the order of time; what is no text can be read anyway."""
    flows = [flow_line("udp", "192.0.2.1:5060", "192.0.2.2:5060")]
    flows.append(flow_line("tls", "192.0.2.1:5061", "192.0.2.3:40000"))
    begin = int(NOON.timestamp() * 1e6)
    for node, seconds in (("a", (0, 2)), ("b", (1, 3))):
        KeptMessages.objects.create(
            call_id="c", node_id=node, at=NOON + timedelta(seconds=seconds[0]),
            flows="\n".join(flows),
            messages=b"".join(
                frame(b"BYE\0\xff", at=begin + 1_000_000 * second, is_sent=bool(place), flow=place,
                      size=9)
                for place, second in enumerate(seconds)
            ),
        )  # fmt: skip
    found = opened(KeptMessages.objects.all())
    assert [(one.at.second, one.node_id, one.way) for one in found] == [
        (0, "a", "in"), (1, "b", "in"), (2, "a", "out"), (3, "b", "out")
    ]  # fmt: skip
    assert found[2] == CallMessage(
        "a", NOON + timedelta(seconds=2), "out", "tls", "192.0.2.1:5061", "192.0.2.3:40000", 9,
        "BYE\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}",
    )  # fmt: skip
