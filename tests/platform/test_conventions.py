"""What every resource of the API has: ETags, idempotent POSTs, sparse fields, filters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.api.models import RememberedRequest
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.tasks import housekeeping
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

USER = "users/alice@example.com"


# -- ETag


def test_change_needs_the_tag_that_was_read(as_admin: Api) -> None:
    tag = as_admin.get(USER).headers["ETag"]
    missing = as_admin.call("patch", USER, {"note": "a"}, {"If-Match": ""})
    assert missing.status_code == 412
    first = as_admin.call("patch", USER, {"note": "a"}, {"If-Match": tag})
    assert first.status_code == 200
    late = as_admin.call("patch", USER, {"note": "b"}, {"If-Match": tag})
    assert late.status_code == 412
    assert late.headers["Content-Type"] == "application/problem+json"
    assert Subscriber.objects.get().note == "a"
    several = f'"other", {first.headers["ETag"]}'
    assert as_admin.call("patch", USER, {"note": "b"}, {"If-Match": several}).status_code == 200
    assert as_admin.get(USER).headers["ETag"] != first.headers["ETag"]


def test_patch_without_if_match_is_428(acme: World, as_admin: Api) -> None:
    answer = as_admin._client.patch(
        f"/api/v1/{USER}", {"note": "x"}, content_type="application/json", secure=True
    )
    assert answer.status_code == 428
    assert "If-Match" in answer.json()["detail"]
    assert Subscriber.objects.get().note == ""


def test_put_and_delete_obey_if_match(as_admin: Api) -> None:
    assert as_admin.call("put", USER, {"note": "x"}, {"If-Match": '"old"'}).status_code == 412
    assert as_admin.call("delete", USER, headers={"If-Match": '"old"'}).status_code == 412
    tag = as_admin.get(USER).headers["ETag"]
    assert as_admin.call("delete", USER, headers={"If-Match": tag}).status_code == 204


def test_unchanged_is_304(as_admin: Api) -> None:
    tag = as_admin.get(USER).headers["ETag"]
    again = as_admin.get(USER, **{"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag
    assert as_admin.get(USER, **{"If-None-Match": '"other"'}).status_code == 200


def test_tag_is_the_same_by_every_way(as_admin: Api) -> None:
    made = as_admin.post("domains", {"name": "new.example"})
    read = as_admin.get("domains/new.example")
    assert made.headers["ETag"] == read.headers["ETag"]
    put = as_admin.call(
        "put", "domains/new.example", {"note": "x"}, {"If-Match": read.headers["ETag"]}
    )
    assert put.headers["ETag"] == as_admin.get("domains/new.example").headers["ETag"]


# -- Idempotency-Key


def test_repeated_post_happens_once(as_admin: Api) -> None:
    body, headers = {"name": "new.example"}, {"Idempotency-Key": "job-1"}
    first = as_admin.call("post", "domains", body, headers)
    again = as_admin.call("post", "domains", body, headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Domain.objects.filter(name="new.example").count() == 1
    other = as_admin.call("post", "domains", {"name": "other.example"}, headers)
    assert other.status_code == 422
    assert as_admin.post("domains", body).status_code == 409


def test_key_is_of_one_caller(acme: World, as_admin: Api) -> None:
    headers = {"Idempotency-Key": "job-1"}
    as_admin.call("post", "domains", {"name": "new.example"}, headers)
    owner = Api(acme.people["owner"])
    assert owner.call("post", "domains", {"name": "own.example"}, headers).status_code == 201


def test_refused_post_may_be_repeated(as_admin: Api) -> None:
    headers = {"Idempotency-Key": "job-1"}
    body = {"domain": "new.example", "username": "bob", "password": "a good password"}
    assert as_admin.call("post", "users", body, headers).status_code == 403
    assert RememberedRequest.objects.count() == 0
    as_admin.put("domains/new.example", {})
    assert as_admin.call("post", "users", body, headers).status_code == 201


def test_answer_with_a_secret_is_not_kept(as_admin: Api) -> None:
    headers = {"Idempotency-Key": "job-1"}
    made = as_admin.call("post", "tokens", {"name": "n"}, headers)
    assert made.status_code == 201
    assert RememberedRequest.objects.get().body is None
    again = as_admin.call("post", "tokens", {"name": "n"}, headers)
    assert again.status_code == 409
    assert len(as_admin.get("tokens").json()["results"]) == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 101, "ü"])
def test_key_that_is_none(as_admin: Api, key: str) -> None:
    refused = as_admin.call("post", "domains", {"name": "a.example"}, {"Idempotency-Key": key})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key"


def test_remembered_requests_are_forgotten(as_admin: Api) -> None:
    as_admin.call("post", "domains", {"name": "a.example"}, {"Idempotency-Key": "x"})
    assert housekeeping.forget_remembered_requests() == 0
    RememberedRequest.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert housekeeping.forget_remembered_requests() == 1


# -- fields and filters


def test_only_the_fields_asked_for(as_admin: Api) -> None:
    assert as_admin.get(f"{USER}?fields=address,enabled").json() == {
        "address": "alice@example.com",
        "enabled": True,
    }
    listed = as_admin.get("users?fields=address").json()["results"]
    assert listed == [{"address": "alice@example.com"}]
    for query in ("fields=ha1_md5", "fields=", "fields=address,,"):
        for path in ("users", USER):
            refused = as_admin.get(f"{path}?{query}")
            assert refused.status_code == 400
            assert refused.json()["errors"][0]["field"] == "fields"


def test_wrong_filter_names_itself(as_admin: Api) -> None:
    refused = as_admin.get("users?enabled=perhaps")
    assert refused.json()["errors"] == [{"field": "enabled", "reason": "Say true or false."}]
