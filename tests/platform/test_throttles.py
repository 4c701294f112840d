"""The token bucket, on a clock of the test's own, and what counts: refusals too."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fedsip_platform.api import throttles, tokens
from fedsip_platform.api.throttles import Buckets
from tests.platform.world import Api, World


def test_bucket_empties_and_fills() -> None:
    buckets = Buckets()
    assert [buckets.take("a", 2, now=0.0) for _ in range(3)] == [0, 0, 30.0]
    assert buckets.take("b", 2, now=0.0) == 0
    assert buckets.take("a", 2, now=29.0) == pytest.approx(1)
    assert buckets.take("a", 2, now=30.0) == 0
    assert [buckets.take("a", 2, now=1000.0) for _ in range(3)] == [0, 0, 30.0]


def test_buckets_are_bounded() -> None:
    buckets = Buckets()
    for number in range(throttles.MOST_KEYS + 1):
        buckets.take(str(number), 1, now=0.0)
    assert buckets.take("1", 1, now=0.0) > 0
    assert buckets.take("0", 1, now=0.0) == 0  # forgotten, so full again


@pytest.mark.db
def test_wrong_tokens_are_counted(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "ANONYMOUS_PER_MINUTE", 3)
    right = Api(token=tokens.create(acme.people["owner"], "t")[1])
    for caller in (Api(token="fedsip_0123456789ab_wrong"), Api()):
        monkeypatch.setattr(throttles, "_buckets", Buckets())
        assert [caller.get("users").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
        told = caller.get("users")
        assert 1 <= int(told.headers["Retry-After"]) <= 20
        assert told.headers["Content-Type"] == "application/problem+json"
        assert right.get("users").status_code == 200  # a neighbour with a token is not held up


@pytest.mark.db
def test_what_one_may_not_do_is_counted_once(acme: World, settings: Any) -> None:
    settings.WEB = dataclasses.replace(settings.WEB, api_per_minute=4)
    person = acme.people["viewer"]
    alice = "users/alice@example.com"
    for caller, address in (
        (Api(token=tokens.create(person, "t", "audit:read")[1]), "users"),  # lacks the scope
        (Api(token=tokens.create(person, "t", "read")[1]), "tokens"),  # is for people alone
        (Api(person), alice),  # a viewer: known only when the user has been found
    ):
        answers = [caller.call("delete", address).status_code for _ in range(5)]
        assert answers == [403, 403, 403, 403, 429], address
