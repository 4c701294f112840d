"""Users are found by the beginnings of their address and of their name's words, by an index."""

from __future__ import annotations

import pytest
from django.db import connection

from fedsip_platform.directory.finding import users_like
from fedsip_platform.directory.models import Domain, Subscriber
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

NAMES = {
    "ann": "Anna-Lena O'Brien",
    "berta": "Berta 7",
    "zhang": "张伟 Zhang Wei",
    "omar": "عمر الشريف",
    "office": "2nd floor (left), +49-30-123",
    "odd": 'a\\b 100% "quoted" & | ! :* <->',
}


@pytest.fixture
def domain(acme: World) -> Domain:
    for username, name in NAMES.items():
        Subscriber.objects.create(
            domain=acme.domain, username=username, aor=f"{username}@{acme.domain}",
            display_name=name, ha1_md5="0" * 32,
        )  # fmt: skip
    return acme.domain


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("ann", {"ann"}),
        ("LENA", {"ann"}),
        ("brien anna", {"ann"}),
        ("o'brien", {"ann"}),
        ("rien", set()),
        ("berta 7", {"berta"}),
        ("berta 8", set()),
        ("7", {"berta"}),
        ("berta@example", {"berta"}),
        ("张", {"zhang"}),
        ("wei zh", {"zhang"}),
        ("الشريف", {"omar"}),
        ("49 30", {"office"}),
        ("2n", {"office"}),
        ("100%", {"odd"}),
        ("quoted", {"odd"}),
        ("' | 'x", set()),
        ("!", set()),
        (":*", set()),
    ],
)
def test_who_is_found(domain: Domain, typed: str, found: set[str]) -> None:
    chosen = Subscriber.objects.filter(users_like(typed), username__in=NAMES)
    assert set(chosen.values_list("username", flat=True)) == found


def test_both_ways_have_an_index(domain: Domain) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO directory_subscriber"
            " (domain_id, username, aor, display_name, ha1_md5, ha1_sha256)"
            " SELECT %s, 'u' || n, 'u' || n || '@example.com', 'Dora ' || n, md5(n::text), ''"
            " FROM generate_series(1, 3000) n",
            [domain.pk],
        )
        cursor.execute("ANALYZE directory_subscriber")
    plan = Subscriber.objects.filter(users_like("berta 7")).order_by().explain()
    assert "on subscriber_by_name_words" in plan
    assert "Seq Scan" not in plan
