"""Users by the thousand: each row for itself, or all or none; nobody else's domains."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fedsip_platform.api import bulk as api_bulk
from fedsip_platform.audit.models import Entry
from fedsip_platform.directory import bulk, services
from fedsip_platform.directory.models import Subscriber
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def rows(amount: int) -> list[dict[str, Any]]:
    return [
        {"address": f"u{number}@example.com", "password": f"password {number}"}
        for number in range(amount)
    ]


def send(api: Api, body: Any, query: str = "", kind: str = "application/json") -> Any:
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    answer = api._client.generic(
        "POST",
        f"/api/v1/users/bulk{query}",
        text,
        content_type=kind,
        secure=True,
        headers=api._headers,
    )
    if not answer.streaming:
        return answer
    answer.lines = [json.loads(line) for line in answer.getvalue().splitlines()]
    return answer


def test_ten_thousand_users_in_one_request(acme: World, as_admin: Api) -> None:
    text = "\n".join(json.dumps(row) for row in rows(10_000))
    answer = send(as_admin, text, kind="application/x-ndjson")
    assert answer.status_code == 200
    assert len(answer.lines) == 10_001
    assert answer.lines[0] == {"row": 1, "address": "u0@example.com", "status": "created"}
    assert answer.lines[-1]["summary"]["created"] == 10_000
    assert Subscriber.objects.filter(domain=acme.domain).count() == 10_001
    one = Subscriber.objects.get(aor="u77@example.com")
    assert one.ha1_md5 == services.ha1("u77", "example.com", "password 77")[0]
    made = Entry.objects.filter(kind="user", action="create", actor="admin@example.com")
    assert made.count() == 10_000


def test_rows_change_what_exists_and_may_be_repeated(as_admin: Api) -> None:
    body = [
        {"address": "Alice@EXAMPLE.com", "display_name": "Alicia"},
        {"address": "bob@example.com", "password": "a good password", "max_calls": 2},
    ]
    first = send(as_admin, body).lines
    assert [line.get("status") for line in first[:2]] == ["changed", "created"]
    again = send(as_admin, body).lines
    assert [line.get("status") for line in again[:2]] == ["unchanged", "unchanged"]
    assert Subscriber.objects.get(aor="alice@example.com").display_name == "Alicia"
    changed = send(as_admin, [{"address": "bob@example.com", "password": "another good one"}])
    assert changed.lines[0]["status"] == "changed"


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({}, "address"),
        ({"address": 17}, "address"),
        ([], "address"),
        (None, "address"),
        ("x", "address"),
        ({"address": "nobody"}, "address"),
        ({"address": "a b@example.com", "password": "a good password"}, "address"),
        ({"address": "x" * 65 + "@example.com", "password": "a good password"}, "address"),
        ({"address": "bob@example.net", "password": "a good password"}, "address"),
        ({"address": "bob@example.org", "password": "a good password"}, "address"),
        ({"address": "bob@example.com"}, "password"),
        ({"address": "bob@example.com", "password": ""}, "password"),
        ({"address": "bob@example.com", "password": "short"}, "password"),
        ({"address": "bob@example.com", "password": 12345678}, "password"),
        ({"address": "bob@example.com", "password": "with \0 inside it"}, "password"),
        ({"address": "alice@example.com", "display_name": "a\r\nb"}, "display_name"),
        ({"address": "alice@example.com", "display_name": "x" * 101}, "display_name"),
        ({"address": "alice@example.com", "display_name": None}, "display_name"),
        ({"address": "alice@example.com", "note": "\0"}, "note"),
        ({"address": "alice@example.com", "max_calls": "many"}, "max_calls"),
        ({"address": "alice@example.com", "max_calls": -1}, "max_calls"),
        ({"address": "alice@example.com", "max_contacts": 10**12}, "max_contacts"),
        ({"address": "alice@example.com", "enabled": "perhaps"}, "enabled"),
        ({"address": "alice@example.com", "ha1_md5": "0" * 32}, "ha1_md5"),
        ({"address": "alice@example.com", "is_operator": True}, "is_operator"),
    ],
)
def test_row_that_is_refused_stops_no_other(
    as_admin: Api, rival: World, row: Any, field: str
) -> None:
    good = {"address": "carol@example.com", "password": "a good password"}
    lines = send(as_admin, [row, good]).lines
    assert lines[0]["status"] == "refused"
    assert lines[0]["errors"][0]["field"] == field
    assert lines[0]["errors"][0]["reason"]
    assert lines[1]["status"] == "created"
    assert lines[2]["summary"] == {"created": 1, "changed": 0, "unchanged": 0, "refused": 1}


def test_twice_in_the_list(as_admin: Api) -> None:
    row = {"address": "bob@example.com", "password": "a good password"}
    lines = send(as_admin, [row, row]).lines
    assert [line.get("status") for line in lines[:2]] == ["created", "refused"]


def test_all_or_none(as_admin: Api) -> None:
    good, bad = rows(2), [{"address": "bob@example.com"}]
    refused = send(as_admin, good + bad, "?atomic=true")
    assert refused.status_code == 422
    assert [line.get("status") for line in refused.lines[:3]] == [
        "unchanged",
        "unchanged",
        "refused",
    ]
    assert not Subscriber.objects.filter(username__startswith="u").exists()
    assert Entry.objects.filter(key="u0@example.com").count() == 0
    assert send(as_admin, good, "?atomic=true").status_code == 200
    assert Subscriber.objects.filter(username__startswith="u").count() == 2


def test_limits_hold(acme: World, as_admin: Api) -> None:
    services.update_tenant(acme.tenant, max_subscribers=3)
    lines = send(as_admin, rows(4)).lines
    statuses = [line.get("status") for line in lines[:4]]
    assert statuses == ["created", "created", "refused", "refused"]
    assert "acme may have 3 users" in lines[2]["errors"][0]["reason"]


def test_viewers_and_readers_make_nobody(acme: World) -> None:
    from fedsip_platform.api import tokens

    for api in (
        Api(acme.people["viewer"]),
        Api(token=tokens.create(acme.people["owner"], "r", "read")[1]),
    ):
        answer = send(api, rows(1))
        assert answer.status_code == 403 or answer.lines[0]["status"] == "refused"
    assert not Subscriber.objects.filter(username="u0").exists()


@pytest.mark.parametrize(
    "body", [b"{", b'[{"a": 1', b"\xff\xfe", b"x", b"[[[[[", b'["' + b"x" * 70_000]
)
def test_bodies_that_are_none(as_admin: Api, body: bytes) -> None:
    answer = send(as_admin, body)
    if answer.streaming:
        assert "stopped" in answer.lines[-1]["summary"]
    else:
        assert answer.status_code == 400


def test_rows_come_out_of_any_cut() -> None:
    class Cut:
        """A stream that gives so many bytes at a time."""

        def __init__(self, text: str, size: int) -> None:
            self.data, self.size = text.encode(), size

        def read(self, _: int) -> bytes:
            part, self.data = self.data[: self.size], self.data[self.size :]
            return part

    values = [{"a": "ü"}, {"b": [1, 2]}, {"c": "]"}]
    array = json.dumps(values, ensure_ascii=False)
    lines = "\n".join(json.dumps(value, ensure_ascii=False) for value in values) + "\n"
    for text in (array, lines, f" {array} "):
        for size in (1, 2, 7, 1000):
            assert list(api_bulk.rows(Cut(text, size))) == values
    assert list(api_bulk.rows(Cut("[]", 1))) == []
    assert list(api_bulk.rows(Cut("", 1))) == []


def test_queries_do_not_grow_with_rows(acme: World) -> None:
    def queries(amount: int, start: int) -> int:
        batch = [
            {"address": f"q{start + number}@example.com", "password": "a good password"}
            for number in range(amount)
        ]
        with CaptureQueriesContext(connection) as caught:
            assert bulk.count(bulk.provision(batch, bulk.finder(lambda _: True)))["refused"] == 0
        return len(caught)

    assert queries(400, 1000) == queries(10, 0)
