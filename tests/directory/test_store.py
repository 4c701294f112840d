"""Rows go in, are replaced and go away; what is looked up is always the newest."""

from __future__ import annotations

from proxy.directory.model import Domain, Subscriber, Translation
from proxy.directory.store import Directory
from proxy.sip.uri import Aor

ALICE = Aor(b"alice@example.com")


def domain(domain_id: int, name: bytes) -> Domain:
    return Domain(domain_id, 1, b"acme", name)


def subscriber(subscriber_id: int, aor: Aor = ALICE, **fields: object) -> Subscriber:
    return Subscriber(
        subscriber_id,
        1,
        aor,
        aor.partition(b"@")[0],
        b"5a" * 16,
        b"5a" * 32,
        **fields,  # type: ignore[arg-type]
    )


def rule(translation_id: int, domain_id: int = 1) -> Translation:
    return Translation(translation_id, domain_id, b"example.com", match_regex="^1$")


def test_domains() -> None:
    directory = Directory()
    directory.put_domains([domain(1, b"a.example"), domain(2, b"b.example")])
    assert directory.domain(b"a.example") == domain(1, b"a.example")
    assert directory.domain_by_id(2) == domain(2, b"b.example")
    assert directory.domain(b"c.example") is None
    directory.put_domains([], gone=[1, 77])
    assert directory.domain(b"a.example") is None
    assert directory.domain_by_id(1) is None
    assert directory.counts == (1, 0, 0)


def test_domains_that_swap_their_names() -> None:
    directory = Directory()
    directory.put_domains([domain(1, b"a.example"), domain(2, b"b.example")])
    directory.put_domains([domain(1, b"b.example"), domain(2, b"a.example")])
    assert directory.domain(b"a.example") == domain(2, b"a.example")
    assert directory.domain(b"b.example") == domain(1, b"b.example")


def test_subscribers() -> None:
    directory = Directory()
    directory.put_subscribers([subscriber(1, display_name="Alice")])
    assert directory.subscriber(ALICE) == subscriber(1, display_name="Alice")
    directory.put_subscribers([subscriber(1, enabled=False)])
    assert directory.subscriber(ALICE) == subscriber(1, enabled=False)
    directory.put_subscribers([], gone=[1, 77])
    assert directory.subscriber(ALICE) is None


def test_a_subscriber_made_anew_outlives_the_old_row() -> None:
    directory = Directory()
    directory.put_subscribers([subscriber(1)])
    directory.put_subscribers([subscriber(2)])
    directory.put_subscribers([], gone=[1])
    assert directory.subscriber(ALICE) == subscriber(2)
    directory.put_subscribers([], gone=[2])
    assert directory.subscriber(ALICE) is None
    directory.put_subscribers([subscriber(3)], gone=[1, 2])
    assert directory.subscriber(ALICE) == subscriber(3)


def test_a_subscriber_whose_address_changed() -> None:
    directory = Directory()
    directory.put_subscribers([subscriber(1)])
    directory.put_subscribers([subscriber(1, Aor(b"eve@example.com"))])
    assert directory.subscriber(ALICE) is None
    assert directory.counts == (0, 1, 0)


def test_rules() -> None:
    directory = Directory()
    directory.put_domains([domain(1, b"example.com")])
    found = directory.domain(b"example.com")
    assert found is not None
    assert len(directory.rules(found)) == 0
    assert directory.put_translations([rule(5), rule(6), rule(7, 2)]) == {1, 2}
    assert directory.rules(found).rows == {5: rule(5), 6: rule(6)}
    assert directory.put_translations([rule(5, 2)], gone=[6, 99]) == {2}
    assert len(directory.rules(found)) == 0
    assert directory.rules_of(2).rows == {7: rule(7, 2), 5: rule(5, 2)}
    assert directory.counts == (1, 0, 2)


def test_become() -> None:
    directory, fresh = Directory(), Directory()
    directory.put_domains([domain(1, b"old.example")])
    fresh.put_domains([domain(2, b"new.example")])
    fresh.put_subscribers([subscriber(1)])
    directory.become(fresh)
    assert directory.domain(b"old.example") is None
    assert directory.domain(b"new.example") == domain(2, b"new.example")
    assert directory.subscriber(ALICE) == subscriber(1)
