"""The published views have exactly the columns that the proxy's models name, in kind too."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

import psycopg
import pytest

from proxy.directory import model

pytestmark = pytest.mark.db

KINDS = {
    "bytes": {"text"},
    "str": {"text"},
    "int": {"bigint", "integer"},
    "bool": {"boolean"},
    "float": {"timestamp with time zone"},
    "tuple": {"ARRAY"},
}


def columns(url: str, view: str) -> dict[str, str]:
    """Name and type of each column of a view."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s",
            [view],
        ).fetchall()
    return dict(rows)


def kind(hint: Any) -> str:
    """The plain type behind a field's annotation: without NewType, None and Literal."""
    if isinstance(hint, types.UnionType):
        (hint,) = (each for each in typing.get_args(hint) if each is not types.NoneType)
    if typing.get_origin(hint) is typing.Literal:
        hint = type(typing.get_args(hint)[0])
    return getattr(hint, "__supertype__", hint).__name__


@pytest.mark.parametrize(
    ("view", "row"),
    [
        ("proxy_domain", model.Domain),
        ("proxy_subscriber", model.Subscriber),
        ("proxy_translation", model.Translation),
        ("proxy_federation_rule", model.FederationRule),
        ("proxy_alias", model.Alias),
        ("proxy_forward", model.Forward),
        ("proxy_ring_group", model.RingGroup),
        ("proxy_trunk", model.Trunk),
        ("proxy_gateway", model.Gateway),
        ("proxy_outbound_policy", model.OutboundPolicy),
    ],
)
def test_directory_views(migrated_url: str, view: str, row: type) -> None:
    found = columns(migrated_url, view)
    hints = typing.get_type_hints(row)
    assert set(found) == {field.name for field in dataclasses.fields(row)}
    for name, data_type in found.items():
        assert data_type in KINDS[kind(hints[name])], name


PUBLISHED = {
    "proxy_change": "change_id xid kind row_id",
    "proxy_watermark": "xid",
    "proxy_binding": "binding_id aor domain_id subscriber_id contact contact_key instance reg_id q"
    " expires_at path flow_token node_id protocol received nat family call_id cseq user_agent"
    " methods gruu registered_at updated_at deleted xid",
    "proxy_refusal": "domain_id peer direction why day amount last_at",
    "proxy_node": "node_id started_at seen_at version address flows bindings calls lost_calls"
    " relays listeners tenants users",
    "proxy_gateway_health": "node_id gateway_id is_alive status round_trip_ms checked_at"
    " changed_at",
    "proxy_gateway_registration": "node_id gateway_id status reason until checked_at changed_at",
    "proxy_call": "public_id call_id tenant_id domain_id caller callee request_uri target"
    " caller_address hop started_at ringing_at answered_at ended_at status reason ended_by node_id"
    " relay_id user_agent rule_id codec mos media verdict verdict_text"
    " attestation hops policies",
    "proxy_live_call": "public_id call_id tenant_id domain_id caller callee request_uri target"
    " caller_address hop started_at ringing_at answered_at node_id relay_id user_agent rule_id"
    " dialog hops policies",
    "proxy_hang_up": "hang_up_id public_id node_id done_at outcome",
    "proxy_message": "call_id tenant_id domain_id node_id at flows messages",
    "proxy_block": "block_id address node_id reason evidence hits first_seen_at last_seen_at"
    " blocked_until lifted_at xid",
    "proxy_allowed_source": "network",
    "proxy_failed_sign_in": "domain_id aor address hour attempts user_agent last_at",
}


@pytest.mark.parametrize("view", PUBLISHED)
def test_other_views(migrated_url: str, view: str) -> None:
    assert list(columns(migrated_url, view)) == PUBLISHED[view].split()


def test_nothing_else_is_published(migrated_url: str) -> None:
    with psycopg.connect(migrated_url) as connection:
        rows = connection.execute(
            "SELECT viewname FROM pg_views WHERE schemaname = 'public'"
        ).fetchall()
    assert {name for (name,) in rows} == set(PUBLISHED) | {
        "proxy_domain",
        "proxy_subscriber",
        "proxy_translation",
        "proxy_federation_rule",
        "proxy_alias",
        "proxy_forward",
        "proxy_ring_group",
        "proxy_trunk",
        "proxy_gateway",
        "proxy_outbound_policy",
    }
