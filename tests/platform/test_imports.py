"""Many users at once: all or none, and every bad row told."""

from __future__ import annotations

import hashlib

import pytest

from fedsip_platform.changes import Conflict, ServiceError
from fedsip_platform.directory import imports, services
from fedsip_platform.directory.imports import NewSubscriber
from fedsip_platform.directory.models import Subscriber
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def rows(*usernames: str) -> list[NewSubscriber]:
    return [NewSubscriber(username, "a good password", "Näme \\") for username in usernames]


def test_users_are_made_as_one_by_one(acme: World) -> None:
    assert imports.create_subscribers(acme.domain, rows("Bob", "carol")) == 2
    bob = Subscriber.objects.get(aor="bob@example.com")
    assert bob.ha1_md5 == hashlib.md5(b"bob:example.com:a good password").hexdigest()
    assert bob.enabled
    assert bob.public_id
    assert bob.display_name == "Näme \\"


def test_every_bad_row_is_told_and_none_is_made(acme: World) -> None:
    bad = [
        *rows("bob", "a b", "x" * 65),
        NewSubscriber("carol", "short"),
        NewSubscriber("dan", "a good password", "a\r\nb"),
    ]
    with pytest.raises(ServiceError) as caught:
        imports.create_subscribers(acme.domain, bad)
    assert [field for field, _ in caught.value.problems] == [
        "row 2: username",
        "row 3: username",
        "row 4: password",
        "row 5: display_name",
    ]
    assert Subscriber.objects.count() == 1


def test_who_exists_or_stands_twice(acme: World) -> None:
    with pytest.raises(Conflict) as caught:
        imports.create_subscribers(acme.domain, rows("bob", "ALICE", "Bob"))
    assert caught.value.problems == (
        ("row 2: username", "This user exists already."),
        ("row 3: username", "This user stands twice in the list."),
    )
    assert Subscriber.objects.count() == 1


def test_limits_count_all_rows(acme: World) -> None:
    services.update_domain(acme.domain, max_subscribers=2)
    with pytest.raises(Conflict):
        imports.create_subscribers(acme.domain, rows("bob", "carol"))
    assert imports.create_subscribers(acme.domain, rows("bob")) == 1


def test_endless_rubbish_ends(acme: World) -> None:
    with pytest.raises(ServiceError) as caught:
        imports.create_subscribers(acme.domain, (NewSubscriber("", "") for _ in range(10**9)))
    assert len(caught.value.problems) <= imports.MOST_PROBLEMS + 1
