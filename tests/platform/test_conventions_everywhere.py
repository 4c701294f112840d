"""Every resource of the API keeps the conventions: request ids, ETags, If-Match, repeated POSTs.

The operations are read from the URLconf; a new one is walked without a line here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from drf_spectacular.generators import SchemaGenerator

from fedsip_platform.api import idempotency, throttles, tokens
from fedsip_platform.api.urls import router
from fedsip_platform.audit.models import Entry
from fedsip_platform.gateway import services as gateway
from fedsip_platform.people import services as people
from tests.harness.dns_server import DnsThread, Zones
from tests.platform.aims import AIMED, UNUSED, operations
from tests.platform.test_api_bad_input import WRITING
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

# What is one thing by its key, and has no state that a program could overwrite unseen.
NO_TAG = {"calls/{key}/pcap", "calls/{key}/messages", "jobs/{key}/result", "domains/{key}/dns"}
NO_TAG |= {"domains/{key}/check", "tenants/{key}/usage", "tenants/{key}/attention"}
NO_TAG |= {"me/users/{key}/devices", "me/users/{key}/calls"}
NO_TAG |= {"live-calls/{key}"}  # its sentence says for how many seconds it has lasted
ELSEWHERE = {"users/import"}  # test_a_repeated_import_is_one_job


@pytest.fixture
def owner(acme: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An operator who telephones as alice: everything is there for her."""
    person = acme.people["owner"]
    person.is_operator = True
    person.save()
    gateway.give_phone(person, acme.user)
    with DnsThread(Zones({"example.com": "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        yield Api(person)


Described = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def described() -> Described:
    """The operations of the API's description: address, method, and what is said of it."""
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return [
        (path.removeprefix("/api/v1/"), method, operation)
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]


def aimed(world: World, method: str) -> Iterator[tuple[str, str, Any]]:
    for (path, used), aims in AIMED.items():
        if used == method:
            address, body = aims[0](world)
            yield path, address, body


def test_every_answer_has_a_request_id(acme: World, owner: Api) -> None:
    for path, method in operations():
        if method == "get" and "{" not in path:
            answer = owner.get(path, **{"X-Request-ID": "walk-7"})
            assert answer.headers["X-Request-ID"] == "walk-7", path
            if answer.status_code >= 400:
                assert answer.json()["request_id"] == "walk-7", path
    for path, address, _ in aimed(acme, "get"):
        assert owner.get(address).headers["X-Request-ID"], path


def test_whoever_asks_too_often_is_told_when_to_come_again(
    acme: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttles.Buckets, "take", lambda *_, **__: 6.5)
    program = Api(token=tokens.create(acme.people["owner"], "t", "write")[1])
    guesser = Api(token="fedsip_0123456789ab_wrong")
    for caller in (program, Api(acme.people["owner"]), Api(), guesser):
        for path, method in operations():
            address = path.format(key="x", device="x", forward=UNUSED)
            answer = caller.call(method, address, headers={"X-Request-ID": "walk-8"})
            where = f"{method} {path}: {answer.content!r}"
            assert answer.status_code == 429, where
            assert answer.headers["Retry-After"] == "7", where
            assert answer.headers["Content-Type"] == "application/problem+json", where
            assert answer.headers["X-Request-ID"] == "walk-8", where
            assert answer.json()["request_id"] == "walk-8", where


def test_every_refusal_is_a_problem_with_its_request_id(acme: World) -> None:
    """Strangers, those without the scope, and those without the role."""
    callers = (
        Api(),
        Api(token="fedsip_0123456789ab_wrong"),
        Api(token=tokens.create(acme.people["viewer"], "t", "audit:read")[1]),
        Api(acme.people["viewer"]),
    )
    refused = set()
    for caller in callers:
        for (path, method), aims in AIMED.items():
            address, body = aims[0](acme)
            answer = caller.call(method, address, body, {"X-Request-ID": "walk-9"})
            assert answer.headers["X-Request-ID"] == "walk-9", path
            if answer.status_code < 400:
                continue
            refused.add((path, method))
            where = f"{method} {path}: {answer.content!r}"
            assert answer.headers["Content-Type"] == "application/problem+json", where
            problem = answer.json()
            assert problem["status"] == answer.status_code, where
            assert problem["title"], where
            assert problem["detail"], where
            assert problem["type"] == "about:blank", where
            assert problem["request_id"] == "walk-9", where
    assert refused == set(AIMED)


def test_what_no_list_knows_is_refused(acme: World, owner: Api) -> None:
    """A misspelt filter would choose everything."""
    for path, _, _ in router.registry:
        answer = owner.get(f"{path}?enabeld=false")
        assert answer.status_code == 400, path
        assert [each["field"] for each in answer.json()["errors"]] == ["enabeld"], path
    for path in ("calls/export", "audit/export", "calls/by-hour"):
        assert owner.get(f"{path}?limit=1").status_code == 400


def test_a_body_of_many_bytes_is_too_large(acme: World, owner: Api) -> None:
    for size in (1_100_000, 4_000_000):
        answer = owner.post("users", {"note": "x" * size})
        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_every_post_may_carry_a_key(acme: World, owner: Api) -> None:
    """What is done a second time under its key is answered as the first time, and done once."""
    subscriber = acme.user
    people.own(subscriber, acme.people["owner"])
    walked = set(WRITING) | ELSEWHERE | idempotency.NOT_FOR.keys()
    for path, address, body in (*aimed(acme, "post"), ("me/phone/pass", "me/phone/pass", None)):
        if path in walked:
            continue
        headers = {"Idempotency-Key": f"again-{path}"}
        first = owner.call("post", address, body or {}, headers)
        assert first.status_code in (200, 201, 202), f"{path}: {first.content!r}"
        again = owner.call("post", address, body or {}, headers)
        where = f"{path}: {again.status_code} {again.content!r}"
        if again.status_code == 409:
            assert again.json()["detail"].startswith("This was done already"), where
        else:
            assert again.status_code == first.status_code, where
            assert again.headers["Idempotency-Replayed"] == "true", where
            assert again.json() == first.json(), where
        other = owner.call("post", f"{address}?x=1", body or {}, headers)
        assert other.status_code in (400, 422), path
        walked.add(path)
    assert walked == {path for path, method in operations() if method == "post"}


def test_every_single_thing_has_a_tag(acme: World, owner: Api) -> None:
    for path, address, _ in aimed(acme, "get"):
        answer = owner.get(address)
        if path in NO_TAG or "{key}" not in path:
            continue
        assert answer.status_code == 200, f"{path}: {answer.content!r}"
        tag = answer.headers["ETag"]
        again = owner.get(address, **{"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b""), path


def test_no_change_goes_over_anothers(acme: World, owner: Api) -> None:
    walked = set()
    for method in ("patch", "put", "delete"):
        for path, address, body in aimed(acme, method):
            if "{key}" not in path or path.count("{") > 1:
                continue
            stale = owner.call(method, address, body, {"If-Match": '"of another state"'})
            assert stale.status_code == 412, f"{method} {path}: {stale.content!r}"
            assert stale.headers["Content-Type"] == "application/problem+json", path
            walked.add((method, path))
    for path, address, body in aimed(acme, "patch"):
        bare = owner._client.patch(
            f"/api/v1/{address}", body, content_type="application/json", secure=True
        )
        assert bare.status_code == 428, path
    assert len(walked) > 30


@pytest.mark.parametrize("path", sorted(WRITING.keys() - idempotency.NOT_FOR.keys()))
def test_a_repeated_post_happens_once(acme: World, owner: Api, path: str) -> None:
    method, body = WRITING[path]
    if path == "gateways":
        body = {**body, "trunk": str(acme.routes["trunks"].public_id)}
    headers = {"Idempotency-Key": f"walk-{path}"}
    first = owner.call(method, path, body, headers)
    assert first.status_code in (201, 202), first.content
    again = owner.call(method, path, body, headers)
    if again.status_code == 409:  # its answer held a secret
        assert again.json()["detail"].startswith("This was done already")
    else:
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()


def test_a_repeated_import_is_one_job(acme: World, owner: Api) -> None:
    text = "address,password\nbob@example.com,a good password\n"
    made = [
        owner._client.generic(
            "POST",
            "/api/v1/users/import?tenant=acme",
            text,
            content_type="text/csv",
            secure=True,
            headers={"Idempotency-Key": "import-1"},
        )
        for _ in range(2)
    ]
    assert [each.status_code for each in made] == [202, 202]
    assert made[0].json()["id"] == made[1].json()["id"]
    assert acme.tenant.jobs.filter(kind="import_users").count() == 1


def test_every_post_says_whether_it_takes_a_key(described: Described) -> None:
    without = {
        path
        for path, method, operation in described
        if method == "post" and "Idempotency-Key" not in parameters(operation)
    }
    assert without == idempotency.NOT_FOR.keys()
    for path, method, operation in described:
        if method == "post" and path in without:
            assert idempotency.NOT_FOR[path] in operation["description"]


def test_every_get_answers_the_fields_asked_for_alone(
    acme: World, owner: Api, described: Described
) -> None:
    """All that is JSON; a field that nothing has is refused by name."""
    people.own(acme.user, acme.people["owner"])
    addresses = {path: address for path, address, _ in aimed(acme, "get")}
    addresses |= {"locate": "locate?uri=sip:bob@example.com"}
    walked, others = set(), set()
    for path, method, operation in described:
        if method != "get":
            continue
        field = parameters(operation).get("fields")
        if field is None:
            others.add(path)
            continue
        name = field["schema"]["items"]["enum"][-1]
        address = addresses.get(path, path)
        mark = "&" if "?" in address else "?"
        answer = owner.get(f"{address}{mark}fields={name}")
        assert answer.status_code == 200, f"{path}: {answer.content!r}"
        for each in things(answer):
            assert each.keys() == {name}, path
        unknown = owner.get(f"{address}{mark}fields=nothing_has_this")
        assert unknown.status_code == 400, path
        assert [each["field"] for each in unknown.json()["errors"]] == ["fields"], path
        walked.add(path)
    assert others == {"calls/{key}/pcap", "jobs/{key}/result"}
    assert len(walked) > 60


def test_a_repeated_put_changes_nothing(acme: World, owner: Api) -> None:
    """Neither the tag nor the audit log, and the proxies are told of nothing."""
    owner.put("me/phone", {"address": acme.user.aor})
    for path, address, body in aimed(acme, "put"):
        if path == "blocks/{key}":
            continue  # lasts so long from now on
        first = owner.put(address, body)
        assert first.status_code in (200, 201), f"{path}: {first.content!r}"
        before = Entry.objects.count(), told()
        again = owner.put(address, body)
        assert again.status_code == 200, path
        shown = first.json()  # and perhaps a secret, which is shown once
        assert again.json() == {name: shown[name] for name in again.json()}, path
        assert again.headers.get("ETag") == first.headers.get("ETag"), path
        assert (Entry.objects.count(), told()) == before, path


def told() -> list[Any]:
    """What the proxies have to read again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM proxy_change")
        return sorted(cursor.fetchall(), key=str)


def parameters(operation: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in operation.get("parameters", ())}


def things(answer: Any) -> list[dict[str, Any]]:
    """What an answer shows, one or many."""
    if answer.headers["Content-Type"].startswith("text/csv"):
        return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    shown = answer.json()
    if isinstance(shown, list):
        return shown
    lists = [each for each in shown.values() if isinstance(each, list)]
    is_list = "results" in shown or shown.keys() == {"parts"}
    return lists[0] if is_list else [shown]
