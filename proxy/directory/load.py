"""From the published views to the model. The one place that knows their columns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from proxy.postgres import Connection
from proxy.sip.uri import Aor

from .model import Domain, FederationRule, Subscriber, Translation

Row = tuple[Any, ...]
Made = TypeVar("Made")

_BATCH: Final = 250


@dataclass(frozen=True, slots=True)
class Source:
    """The view of one kind of row."""

    query: str
    key: str
    make: Callable[[Row], Any]


_DOMAIN: Final = (
    "SELECT domain_id, tenant_id, tenant, name, enabled, unauthenticated,"
    " unauthenticated_calls_out, hide_users, media_policy, nat_alias_contact, nat_keepalive,"
    " require_tls, srtp, federation, e164, e164_country, time_zone, max_contacts, min_expires,"
    " max_expires, default_expires, trace, federation_in, stranger_methods, calls_in_per_domain,"
    " calls_in_per_stranger, calls_out_per_domain, calls_out_per_user, enum, codecs,"
    " tenant_max_calls, tenant_max_calls_per_second FROM proxy_domain"
)
_SUBSCRIBER: Final = (
    "SELECT subscriber_id, domain_id, aor, username, ha1_md5, ha1_sha256, enabled, display_name,"
    " max_contacts, max_calls, media_policy, srtp, codecs FROM proxy_subscriber"
)
_TRANSLATION: Final = (
    "SELECT translation_id, domain_id, from_domain, from_username, match_user_agent, match_regex,"
    " request_domain, extract(epoch FROM valid_from)::float8,"
    " extract(epoch FROM valid_until)::float8, hours, priority, weight, enabled, tran_user,"
    " tran_strip, tran_prefix, tran_domain, tran_port, tran_strip_port, tran_add_header,"
    " tran_remove_header, tran_from_user, tran_from_display, tran_trunk FROM proxy_translation"
)
_FEDERATION_RULE: Final = (
    "SELECT rule_id, domain_id, pattern, direction, allow, verified, trusted, enabled"
    " FROM proxy_federation_rule"
)


def text(value: str | None) -> bytes:
    """A column of text as the protocol has it."""
    return b"" if value is None else value.encode()


def _domain(row: Row) -> Domain:
    values: list[Any] = [*row]
    for at in (2, 3, 15, 23, 29):
        values[at] = text(values[at])
    return Domain(*values)


def _subscriber(row: Row) -> Subscriber:
    values: list[Any] = [*row]
    for at in (2, 3, 4, 5, 12):
        values[at] = text(values[at])
    values[2] = Aor(values[2])
    return Subscriber(*values)


def _translation(row: Row) -> Translation:
    values: list[Any] = [*row]
    for at in (2, 3, 4, 6, 13, 15, 16, 19, 20, 21, 23):
        values[at] = text(values[at])
    return Translation(*values)


def _federation_rule(row: Row) -> FederationRule:
    values: list[Any] = [*row]
    values[2] = text(values[2])
    return FederationRule(*values)


DOMAINS: Final = Source(_DOMAIN, "domain_id", _domain)
SUBSCRIBERS: Final = Source(_SUBSCRIBER, "subscriber_id", _subscriber)
FEDERATION_RULES: Final = Source(_FEDERATION_RULE, "rule_id", _federation_rule)
TRANSLATIONS: Final = Source(_TRANSLATION, "translation_id", _translation)


async def all_domains(connection: Connection) -> AsyncIterator[list[Domain]]:
    async for batch in batches(connection, _DOMAIN, _domain):
        yield batch


async def all_subscribers(connection: Connection) -> AsyncIterator[list[Subscriber]]:
    async for batch in batches(connection, _SUBSCRIBER, _subscriber):
        yield batch


async def all_translations(connection: Connection) -> AsyncIterator[list[Translation]]:
    async for batch in batches(connection, _TRANSLATION, _translation):
        yield batch


async def all_federation_rules(connection: Connection) -> AsyncIterator[list[FederationRule]]:
    async for batch in batches(connection, _FEDERATION_RULE, _federation_rule):
        yield batch


async def domains(connection: Connection, ids: list[int]) -> list[Domain]:
    return await some(connection, _DOMAIN, "domain_id", ids, _domain)


async def subscribers(connection: Connection, ids: list[int]) -> list[Subscriber]:
    return await some(connection, _SUBSCRIBER, "subscriber_id", ids, _subscriber)


async def translations(connection: Connection, ids: list[int]) -> list[Translation]:
    return await some(connection, _TRANSLATION, "translation_id", ids, _translation)


async def federation_rules(connection: Connection, ids: list[int]) -> list[FederationRule]:
    return await some(connection, _FEDERATION_RULE, "rule_id", ids, _federation_rule)


async def batches(
    connection: Connection, query: str, make: Callable[[Row], Made]
) -> AsyncIterator[list[Made]]:
    """Rows in batches by a server-side cursor; the caller has a transaction open."""
    async with connection.cursor(name="load") as cursor:
        cursor.itersize = _BATCH
        await cursor.execute(query.encode())
        while rows := await cursor.fetchmany(_BATCH):
            yield [make(row) for row in rows]


async def some(
    connection: Connection, query: str, key: str, ids: list[int], make: Callable[[Row], Made]
) -> list[Made]:
    """The rows of these numbers."""
    cursor = await connection.execute(f"{query} WHERE {key} = ANY(%s)".encode(), (ids,))
    return [make(row) for row in await cursor.fetchall()]
