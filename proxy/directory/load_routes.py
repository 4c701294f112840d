"""From the published views to aliases, forwards, groups, trunks, gateways and outbound policies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

from proxy.postgres import Connection
from proxy.sip.uri import Aor

from .load import Source, batches, some, text
from .model import Alias, Forward, Gateway, OutboundPolicy, RingGroup, Trunk


def _aor(value: str | None) -> Aor:
    return Aor(text(value))


SOURCES: Final[dict[str, Source]] = {
    "alias": Source(
        "SELECT alias_id, aor, target FROM proxy_alias",
        "alias_id",
        lambda row: Alias(row[0], _aor(row[1]), _aor(row[2])),
    ),
    "forward": Source(
        "SELECT forward_id, aor, condition, target, ring_seconds FROM proxy_forward",
        "forward_id",
        lambda row: Forward(row[0], _aor(row[1]), row[2], text(row[3]), row[4]),
    ),
    "ring_group": Source(
        "SELECT ring_group_id, aor, strategy, members, ring_seconds, fallback"
        " FROM proxy_ring_group",
        "ring_group_id",
        lambda row: RingGroup(
            row[0], _aor(row[1]), row[2], tuple(map(_aor, row[3])), row[4], text(row[5])
        ),
    ),
    "trunk": Source(
        "SELECT trunk_id, domain_id, name, inbound_addresses, inbound_tls_name, options_seconds,"
        " account, sealed_password, registers FROM proxy_trunk",
        "trunk_id",
        lambda row: Trunk(
            *(row[0], row[1], text(row[2]), tuple(row[3]), text(row[4]), row[5], text(row[6])),
            *(row[7], row[8]),
        ),
    ),
    "gateway": Source(
        "SELECT gateway_id, trunk_id, host, port, transport, priority, weight FROM proxy_gateway",
        "gateway_id",
        lambda row: Gateway(row[0], row[1], text(row[2]), row[3], text(row[4]), row[5], row[6]),
    ),
    "outbound_policy": Source(
        "SELECT policy_id, domain_id, aor, caller_id, caller_name, classes, allow_regex,"
        " deny_regex FROM proxy_outbound_policy",
        "policy_id",
        lambda row: OutboundPolicy(
            row[0], row[1], _aor(row[2]), text(row[3]), row[4], tuple(row[5]), row[6], row[7]
        ),
    ),
}


async def all_rows(connection: Connection, kind: str) -> AsyncIterator[list[Any]]:
    """All rows of a kind, in batches; the caller has a transaction open."""
    source = SOURCES[kind]
    async for batch in batches(connection, source.query, source.make):
        yield batch


async def rows(connection: Connection, kind: str, ids: list[int]) -> tuple[list[Any], set[int]]:
    """The rows of these numbers, and the numbers of which there are none any more."""
    source = SOURCES[kind]
    found = await some(connection, source.query, source.key, ids, lambda row: (row[0], row))
    gone = set(ids) - {number for number, _ in found}
    return [source.make(row) for _, row in found], gone
