"""Several programs write the same thing at the same moment: nothing is made twice, and no change is
lost unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from fedsip_platform.directory import services
from fedsip_platform.directory.models import Subscriber
from tests.harness.committing import audit_log_is_emptied as audit_log_is_emptied
from tests.platform.aims import KEYS
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

WRITERS = 4
USER = "users/alice@example.com"


def at_once(write: Callable[[int], Any]) -> list[Any]:
    """What as many threads as there are writers got, each with its own connection."""
    start = threading.Barrier(WRITERS)
    found: list[Any] = []

    def run(number: int) -> None:
        start.wait()
        try:
            found.append(write(number))
        finally:
            connections.close_all()

    writers = [threading.Thread(target=run, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return found


@pytest.mark.parametrize("path", ["aliases", "gateways", "origins", "users"])
def test_one_thing_is_made_once(acme: World, path: str) -> None:
    at, body = "users/bob@example.com", {"password": "a good password"}
    if path in KEYS:
        _, key, body = KEYS[path]
        at = f"{path}/{key.format(domain='example.com', tenant='acme')}"
    answers = at_once(lambda _: Api(acme.people["owner"]).put(at, body).status_code)
    assert sorted(answers) == [200, 200, 200, 201]


def test_one_key_is_one_request(acme: World) -> None:
    body = {"domain": "example.com", "match_regex": "^7$", "tran_user": "alice"}

    def make(_: int) -> tuple[int, str]:
        answer = Api(acme.people["owner"]).post("translations", body, **{"Idempotency-Key": "once"})
        return answer.status_code, answer.json()["id"]

    assert len(set(at_once(make))) == 1
    assert acme.domain.translations.filter(match_regex="^7$").count() == 1


def test_of_several_who_read_the_same_one_changes_it(acme: World) -> None:
    tag = Api(acme.people["owner"]).get(USER).headers["ETag"]

    def change(number: int) -> int:
        writer = Api(acme.people["owner"])
        return writer.call("patch", USER, {"note": f"{number}"}, {"If-Match": tag}).status_code

    assert sorted(at_once(change)) == [200, 412, 412, 412]


def test_several_fields_of_one_thing(acme: World) -> None:
    """Who changes one field writes no other one back."""
    bodies = [{"note": "n"}, {"display_name": "A"}, {"max_calls": 2}, {"max_contacts": 3}]
    at_once(lambda number: Api(acme.people["owner"]).patch(USER, bodies[number]).status_code)
    found = Subscriber.objects.get(pk=acme.user.pk)
    assert (found.note, found.display_name, found.max_calls, found.max_contacts) == ("n", "A", 2, 3)


def test_a_limit_holds_for_all_together(acme: World) -> None:
    services.update_tenant(acme.tenant, max_subscribers=2)

    def make(number: int) -> int:
        body = {"domain": "example.com", "username": f"u{number}", "password": "a good password"}
        return Api(acme.people["owner"]).post("users", body).status_code

    assert sorted(at_once(make)) == [201, 409, 409, 409]
    connection.close()
