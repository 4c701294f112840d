"""One ear: who hears what, how soon, and what becomes of those that do not keep up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from fedsip_platform.live import feed as feeds
from fedsip_platform.live.changes import Event
from fedsip_platform.live.feed import RELOAD, Feed, Subscription
from tests.harness.database import Administrator, until

pytestmark = pytest.mark.db

BOUND_SECONDS = 60.0


@pytest.fixture
def administrator(fresh_url: str) -> Iterator[Administrator]:
    administrator = Administrator(fresh_url)
    yield administrator
    administrator.close()


def feed_on(url: str) -> Feed:
    return Feed(conninfo_to_dict(url))


async def taken(subscription: Subscription) -> list[Event]:
    return await asyncio.wait_for(subscription.take(), BOUND_SECONDS)


def ring(administrator: Administrator, tenant_id: int, **columns: object) -> str:
    """A call that begins to ring; its id."""
    public_id = str(uuid.uuid4())
    administrator.do(
        "INSERT INTO proxy_live_call (public_id, call_id, tenant_id, caller, request_uri,"
        " started_at, node_id) VALUES (%s, 'x', %s, 'sip:a@x', 'sip:b@x', now(), 'n1')",
        public_id,
        tenant_id,
    )
    return public_id


async def test_a_call_is_heard_by_its_tenant_and_by_operators(
    fresh_url: str, administrator: Administrator
) -> None:
    acme, rival = administrator.tenant("acme"), administrator.tenant("rival")
    feed = feed_on(fresh_url)
    ours, theirs = feed.subscribe(frozenset({acme})), feed.subscribe(frozenset({rival}))
    everything = feed.subscribe(None)
    for subscription in (ours, theirs, everything):
        assert await taken(subscription) == [RELOAD]
    key = ring(administrator, acme)
    expected = [Event("call", "ringing", key, acme, "sip:a@x sip:b@x")]
    assert await taken(ours) == expected
    assert await taken(everything) == expected
    administrator.do("UPDATE proxy_live_call SET answered_at = now()")
    assert [event.what for event in await taken(ours)] == ["answered"]
    administrator.do(
        "INSERT INTO proxy_call (public_id, call_id, tenant_id, caller, callee, request_uri,"
        " started_at, ended_at, status, reason, ended_by, node_id, relay_id, user_agent)"
        " VALUES (%s, 'x', %s, 'sip:a@x', '', 'sip:b@x', now(), now(), 200, 'BYE', 'caller', 'n1',"
        " '', '')",
        key,
        acme,
    )
    assert [(event.what, event.key) for event in await taken(ours)] == [("ended", key)]
    assert not theirs._waiting
    for subscription in (ours, theirs, everything):
        feed.unsubscribe(subscription)


async def test_registrations_and_blocks(fresh_url: str, administrator: Administrator) -> None:
    tenant = administrator.tenant()
    domain = administrator.domain(tenant)
    feed = feed_on(fresh_url)
    ours, everything = feed.subscribe(frozenset({tenant})), feed.subscribe(None)
    await taken(ours)
    await taken(everything)
    administrator.do(
        "INSERT INTO proxy_binding (binding_id, aor, domain_id, contact, contact_key, q,"
        " expires_at, path, node_id, protocol, received, nat, family, call_id, cseq, user_agent,"
        " methods, registered_at, updated_at, deleted) VALUES ('b1', 'alice@example.com', %s,"
        " 'sip:a', 'sip:a', 1000, now() + interval '1 h', '{}', 'n', 'udp', '', false, 4, 'c', 1,"
        " '', '', now(), now(), false)",
        domain,
    )
    assert await taken(ours) == [Event("registration", "added", "b1", tenant, "alice@example.com")]
    administrator.do("UPDATE proxy_binding SET updated_at = now() + interval '1 minute'")
    administrator.do(
        "INSERT INTO proxy_block (address, node_id, reason, evidence, hits, first_seen_at,"
        " last_seen_at, blocked_until) VALUES ('192.0.2.9', 'n', 'flood', '', 1, now(), now(),"
        " now() + interval '1 h')"
    )
    await until(lambda: len(everything._waiting) == 2, "the block is heard")
    assert [(event.kind, event.text) for event in await taken(everything)] == [
        ("registration", "alice@example.com"),
        ("block", "192.0.2.9"),
    ]
    administrator.do("UPDATE proxy_binding SET deleted = true")
    assert [event.what for event in await taken(ours)] == ["removed"]
    feed.unsubscribe(ours)
    feed.unsubscribe(everything)


async def test_without_the_bell_the_poll_finds_it(
    fresh_url: str, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "CHANNELS", ("nobody_rings",))
    tenant = administrator.tenant()
    feed = feed_on(fresh_url)
    ours = feed.subscribe(frozenset({tenant}))
    await taken(ours)
    ring(administrator, tenant)
    assert [event.what for event in await taken(ours)] == ["ringing"]
    feed.unsubscribe(ours)


async def test_after_an_interruption_pages_load_anew(
    fresh_url: str, administrator: Administrator
) -> None:
    feed = feed_on(fresh_url)
    ours = feed.subscribe(frozenset())
    assert await taken(ours) == [RELOAD]
    administrator.do(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    assert await taken(ours) == [RELOAD]
    feed.unsubscribe(ours)


async def test_too_much_to_tell_is_told_as_one(
    fresh_url: str, administrator: Administrator
) -> None:
    tenant = administrator.tenant()
    feed = feed_on(fresh_url)
    ours = feed.subscribe(frozenset({tenant}))
    await taken(ours)
    administrator.do(
        "INSERT INTO live_liveevent (tenant_id, kind, what)"
        " SELECT %s, 'x', 'y' FROM generate_series(1, 501)",
        tenant,
    )
    assert await taken(ours) == [RELOAD]
    feed.unsubscribe(ours)


async def test_nobody_listens_when_nobody_watches(
    fresh_url: str, administrator: Administrator
) -> None:
    def ears() -> int:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        return int(administrator.ask(asked)[0][0])

    feed = feed_on(fresh_url)
    pages = [feed.subscribe(None) for _ in range(500)]
    for page in pages:
        assert await taken(page) == [RELOAD]
    await until(lambda: feed.readings >= 1, "it reads")
    connections = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    assert administrator.ask(connections) == [(2,)]  # ours, and one for all five hundred
    for page in pages:
        feed.unsubscribe(page)
    await until(lambda: administrator.ask(connections) == [(1,)], "the ear closes")


def test_a_page_that_does_not_keep_up_loads_anew() -> None:
    page = Subscription(None)
    for number in range(feeds.MOST_WAITING + 3):
        page.offer(Event("call", "ended", str(number), 1, ""))
    assert [event.key or event.kind for event in page._waiting] == ["reload", "1001", "1002"]


async def test_failed_sign_ins_are_told_once_a_batch(
    fresh_url: str, administrator: Administrator
) -> None:
    acme, rival = administrator.tenant("acme"), administrator.tenant("rival")
    domain = administrator.domain(acme, "acme.example")
    feed = feed_on(fresh_url)
    ours, theirs = feed.subscribe(frozenset({acme})), feed.subscribe(frozenset({rival}))
    assert await taken(ours) == [RELOAD]
    assert await taken(theirs) == [RELOAD]
    for _ in range(2):  # the second time the same rows are counted up
        administrator.do(
            "INSERT INTO proxy_failed_sign_in (domain_id, aor, address, hour, attempts, last_at)"
            " SELECT %s, 'a@x', ('192.0.2.' || n)::inet, date_trunc('hour', now()), 1, now()"
            " FROM generate_series(1, 50) n ON CONFLICT (aor, address, hour)"
            " DO UPDATE SET attempts = proxy_failed_sign_in.attempts + 1",
            domain,
        )
        assert await taken(ours) == [Event("sign_in", "failed", "", acme, "")]
    key = ring(administrator, rival)
    assert [event.key for event in await taken(theirs)] == [key]
    feed.unsubscribe(ours)
    feed.unsubscribe(theirs)
