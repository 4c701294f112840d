"""The messages of a call, opened from the rows that the proxies wrote: the one way to read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet

from proxy.observe.message_frames import messages_in

from .models import CallRecord, KeptMessages, LiveCall

_BESIDE = timedelta(seconds=40)
"""Before a call began and after it ended its messages pass as well."""
_IN_A_ROW = timedelta(seconds=20)
"""More than lies between the first and the last message of a row."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WAYS = {False: "in", True: "out"}


@dataclass(frozen=True, slots=True)
class CallMessage:
    """One SIP message of a call, as it passed a node; credentials are masked."""

    node_id: str
    at: datetime
    way: str
    """`in`: received by the node; `out`: sent."""
    protocol: str
    local: str
    remote: str
    size: int
    """Octets on the wire; the text may have been cut shorter."""
    text: str


def messages_of(
    rows: QuerySet[KeptMessages], call: CallRecord | LiveCall, *, most: int | None = None
) -> list[CallMessage]:
    """The messages of one call in order, the first `most` of them. A Call-ID that came again later
    is another call. The rows are scoped already (tenants/scope.py)."""
    first = call.started_at - _BESIDE
    chosen = rows.filter(call_id=call.call_id, at__gte=first - _IN_A_ROW)
    last = None
    if isinstance(call, CallRecord):
        last = call.ended_at + _BESIDE
        chosen = chosen.filter(at__lte=last)
    found = [
        message
        for message in opened(chosen[:most])
        if message.at >= first and (last is None or message.at <= last)
    ]
    return found[:most]


def opened(rows: QuerySet[KeptMessages]) -> list[CallMessage]:
    """All messages of the rows, in the order of time."""
    return sorted((each for row in rows for each in _of_row(row)), key=lambda each: each.at)


def _of_row(row: KeptMessages) -> Iterator[CallMessage]:
    for passed in messages_in(bytes(row.messages), row.flows):
        yield CallMessage(
            row.node_id,
            _EPOCH + timedelta(microseconds=passed.at),
            _WAYS[passed.is_sent],
            passed.protocol,
            passed.local,
            passed.remote,
            passed.size,
            passed.data.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}"),
        )
