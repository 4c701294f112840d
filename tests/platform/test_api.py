"""The REST API as its users see it: making, reading, changing, deleting, and what is refused."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fedsip_platform.api import throttles, tokens
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.tenants.models import Membership, Person
from tests.platform.world import PASSWORD, Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def problems(answer: Any) -> dict[str, str]:
    """Field and reason of each error of a problem body."""
    body = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return {each["field"]: each["reason"] for each in body.get("errors", [])}


# -- tenants


def test_operators_put_a_tenant_by_its_short_name(as_operator: Api) -> None:
    body = {"name": "Globex", "max_domains": 2}
    assert as_operator.put("tenants/globex", body).status_code == 201
    again = as_operator.put("tenants/globex", {"max_domains": 3})
    assert again.status_code == 200
    shown = {name: again.json()[name] for name in ("slug", "name", "max_domains")}
    assert shown == {"slug": "globex", "name": "Globex", "max_domains": 3}
    assert as_operator.put("tenants/No Name", {}).status_code == 400


def test_operator_makes_limits_and_deletes_a_tenant(as_operator: Api) -> None:
    made = as_operator.post("tenants", {"name": "New", "slug": "new", "max_domains": 1})
    assert made.status_code == 201
    assert as_operator.patch("tenants/new", {"enabled": False}).json()["enabled"] is False
    assert as_operator.post("domains", {"tenant": "new", "name": "new.example"}).status_code == 201
    second = as_operator.post("domains", {"tenant": "new", "name": "newer.example"})
    assert second.status_code == 409
    assert problems(second) == {"tenant": "new may have 1 domains, not more."}
    assert as_operator.delete("tenants/new").status_code == 204
    assert as_operator.get("tenants/new").status_code == 404
    assert not Domain.objects.filter(name="new.example").exists()


def test_owner_renames_but_does_not_unlimit(acme: World) -> None:
    owner = Api(acme.people["owner"])
    assert owner.patch("tenants/acme", {"name": "ACME Ltd"}).json()["name"] == "ACME Ltd"
    refused = owner.patch("tenants/acme", {"max_domains": 1000})
    assert refused.status_code == 403
    assert problems(refused) == {"max_domains": "Only operators change this."}
    assert Api(acme.people["admin"]).patch("tenants/acme", {"name": "x"}).status_code == 403


# -- domains


def test_domain_is_kept_in_normal_form(as_admin: Api) -> None:
    made = as_admin.post("domains", {"name": " Bücher.Example. "})
    assert made.status_code == 201
    assert made.json()["name"] == "xn--bcher-kva.example"
    assert as_admin.get("domains/BÜCHER.example").json()["id"] == made.json()["id"]
    again = as_admin.post("domains", {"name": "xn--bcher-kva.example"})
    assert again.status_code == 409
    assert problems(again) == {"name": "This domain is taken already."}


def test_domain_put_may_be_repeated(as_admin: Api) -> None:
    first = as_admin.put("domains/new.example", {"require_tls": True})
    again = as_admin.put("domains/new.example", {"require_tls": True})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert again.json()["require_tls"] is True


def test_domain_with_users_keeps_its_name(as_admin: Api) -> None:
    refused = as_admin.patch("domains/example.com", {"name": "example.org"})
    assert refused.status_code == 400
    assert "passwords work only with that name" in problems(refused)["name"]
    as_admin.delete("users/alice@example.com")
    assert as_admin.patch("domains/example.com", {"name": "example.org"}).status_code == 200


def test_domain_list_counts_users_and_filters(as_admin: Api) -> None:
    as_admin.put("domains/empty.example", {"enabled": False})
    listed = {each["name"]: each for each in as_admin.get("domains").json()["results"]}
    assert listed["example.com"]["users"] == 1
    assert listed["empty.example"]["users"] == 0
    names = [each["name"] for each in as_admin.get("domains?enabled=false").json()["results"]]
    assert names == ["empty.example"]
    assert len(as_admin.get("domains?q=EMPTY&tenant=acme").json()["results"]) == 1


def test_who_has_several_tenants_must_name_one(acme: World, rival: World) -> None:
    both = acme.people["owner"]
    Membership.objects.create(person=both, tenant=rival.tenant, role="admin")
    refused = Api(both).post("domains", {"name": "new.example"})
    assert problems(refused) == {"tenant": "Say which of your tenants."}
    assert Api(both).get("domains?tenant=rival").json()["results"][0]["name"] == "example.net"


# -- users


def test_user_password_becomes_hashes_only(as_admin: Api) -> None:
    made = as_admin.post(
        "users", {"domain": "Example.COM", "username": "Bob", "password": "a good password"}
    )
    assert made.status_code == 201
    assert made.json()["address"] == "bob@example.com"
    assert "password" not in made.json()
    bob = Subscriber.objects.get(aor="bob@example.com")
    a1 = b"bob:example.com:a good password"
    assert bob.ha1_md5 == hashlib.md5(a1).hexdigest()
    assert bob.ha1_sha256 == hashlib.sha256(a1).hexdigest()
    as_admin.patch("users/bob@example.com", {"password": "a better password"})
    bob.refresh_from_db()
    assert bob.ha1_md5 == hashlib.md5(b"bob:example.com:a better password").hexdigest()


def test_user_put_may_be_repeated_without_password(as_admin: Api) -> None:
    missing = as_admin.put("users/bob@example.com", {"display_name": "Bob"})
    assert problems(missing) == {"password": "This field is required."}
    body = {"display_name": "Bob", "password": "a good password"}
    assert as_admin.put("users/Bob@example.com", body).status_code == 201
    assert as_admin.put("users/bob@EXAMPLE.com", {"display_name": "Robert"}).status_code == 200
    assert as_admin.get("users/bob@example.com").json()["display_name"] == "Robert"


def test_user_exists_once_in_any_case(as_admin: Api) -> None:
    again = as_admin.post(
        "users", {"domain": "example.com", "username": "ALICE", "password": "a good password"}
    )
    assert again.status_code == 409
    assert problems(again) == {"username": "This user exists already."}


def test_user_cannot_be_renamed_or_moved(as_admin: Api) -> None:
    as_admin.put("domains/other.example", {})
    for change in ({"username": "alicia"}, {"domain": "other.example"}):
        refused = as_admin.patch("users/alice@example.com", change)
        assert refused.status_code == 400
        assert set(problems(refused)) == set(change)
    same = {"username": "Alice", "domain": "example.com", "note": "x"}
    assert as_admin.patch("users/alice@example.com", same).status_code == 200


def test_user_limits_of_domain_and_tenant(acme: World, as_admin: Api, as_operator: Api) -> None:
    body = {"domain": "example.com", "username": "bob", "password": "a good password"}
    as_admin.patch("domains/example.com", {"max_subscribers": 1})
    assert problems(as_admin.post("users", body)) == {
        "domain": "example.com may have 1 users, not more."
    }
    as_admin.patch("domains/example.com", {"max_subscribers": None})
    as_operator.patch("tenants/acme", {"max_subscribers": 1})
    assert problems(as_admin.post("users", body)) == {"domain": "acme may have 1 users, not more."}


def test_disabled_user_is_signed_out(acme: World, as_admin: Api) -> None:
    assert len(as_admin.get("registrations").json()["results"]) == 1
    as_admin.patch("users/alice@example.com", {"enabled": False})
    assert as_admin.get("registrations").json()["results"] == []
    assert as_admin.get("users?enabled=false").json()["results"][0]["username"] == "alice"


def test_usage_and_limit_of_rules(acme: World, as_admin: Api, as_operator: Api) -> None:
    assert as_admin.patch("tenants/acme", {"max_rules": 9}).status_code == 403
    as_operator.patch("tenants/acme", {"max_rules": 1, "max_calls": 5})
    refused = as_admin.post("translations", {"domain": "example.com", "tran_user": "x"})
    assert refused.status_code == 409
    assert problems(refused) == {"domain": "acme may have 1 rules, not more."}
    shown = {each["name"]: each for each in as_admin.get("tenants/acme/usage").json()}
    assert shown["rules"] == {"name": "rules", "used": 1, "limit": 1}
    assert shown["calls"]["limit"] == 5
    assert shown["users"]["used"] == 1


# -- registrations


def test_registration_is_signed_out(acme: World, as_admin: Api) -> None:
    (shown,) = as_admin.get("registrations?address=Alice@example.com").json()["results"]
    assert shown["contact"] == "sip:alice@192.0.2.7:5060"
    assert as_admin.delete(f"registrations/{shown['id']}").status_code == 204
    assert as_admin.get(f"registrations/{shown['id']}").status_code == 404
    acme.binding.refresh_from_db()
    assert acme.binding.deleted


def test_expired_registrations_are_not_shown(acme: World, as_admin: Api) -> None:
    acme.binding.expires_at = timezone.now()
    acme.binding.save()
    assert as_admin.get("registrations").json()["results"] == []


# -- translations


def test_rule_is_made_changed_deleted(as_admin: Api) -> None:
    body = {
        "domain": "example.com",
        "match_regex": r"^\+18[0678]{2}[0-9]{7}$",
        "tran_strip": 1,
        "tran_domain": "TF.Arctele.com",
    }
    made = as_admin.post("translations", body)
    assert made.status_code == 201
    assert made.json()["tran_domain"] == "tf.arctele.com"
    assert made.json()["priority"] == 99
    key = made.json()["id"]
    assert as_admin.patch(f"translations/{key}", {"priority": 1}).json()["priority"] == 1
    assert len(as_admin.get("translations?domain=example.com").json()["results"]) == 2
    assert as_admin.delete(f"translations/{key}").status_code == 204
    assert as_admin.get(f"translations/{key}").status_code == 404


# -- me, session, tokens


def test_me_tells_roles(acme: World) -> None:
    me = Api(acme.people["viewer"]).get("me").json()
    assert me["email"] == "viewer@example.com"
    assert me["memberships"] == [{"tenant": "acme", "name": "Acme", "role": "viewer"}]


@pytest.fixture
def person(db: None) -> Person:
    person = make_person("carol@example.org")
    person.set_password(PASSWORD)
    person.save()
    return person


def signed_in(api: Api, email: str, password: str) -> Any:
    token = api.get("session").json()["csrf_token"]
    body = {"email": email, "password": password}
    headers = {"X-CSRFToken": token, "Referer": "https://testserver/"}
    return api.call("post", "session", body, headers)


def checking_csrf() -> Api:
    api = Api()
    api._client.handler.enforce_csrf_checks = True
    return api


def test_session_signs_in_and_out(person: Person) -> None:
    api = checking_csrf()
    answer = signed_in(api, "Carol@example.org", PASSWORD)
    assert answer.status_code == 200
    assert answer.json()["signed_in"] is True
    cookie = answer.cookies["__Host-fedsip-session"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert api.get("me").json()["email"] == "carol@example.org"
    assert api.delete("session").status_code == 403  # without the CSRF token
    headers = {"X-CSRFToken": answer.json()["csrf_token"], "Referer": "https://testserver/"}
    assert api.call("delete", "session", headers=headers).status_code == 204
    assert api.get("me").status_code == 401


def test_session_needs_csrf_token(person: Person) -> None:
    refused = checking_csrf().post("session", {"email": person.email, "password": PASSWORD})
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]


def test_changes_by_session_need_csrf_token(acme: World) -> None:
    api = Api(acme.people["admin"])
    api._client.handler.enforce_csrf_checks = True
    assert api.delete("domains/example.com").status_code == 403
    assert Domain.objects.filter(name="example.com").exists()


def test_guessing_locks_the_address_out(person: Person) -> None:
    api = Api()
    for _ in range(9):
        refused = signed_in(api, person.email, "wrong")
        assert refused.status_code == 400
        assert problems(refused) == {"password": "The address or the password is wrong."}
    locked = signed_in(api, person.email, "wrong")
    assert locked.status_code == 429
    assert locked.headers["Retry-After"] == "900"
    still = signed_in(api, person.email, PASSWORD)
    assert still.status_code == 429
    assert api.get("me").status_code == 401


def test_unknown_and_known_addresses_get_the_same_refusal(person: Person) -> None:
    known = signed_in(Api(), person.email, "wrong").json()
    unknown = signed_in(Api(), "nobody@example.org", "wrong").json()
    del known["request_id"], unknown["request_id"]
    assert known == unknown


def test_token_is_shown_once_and_works(acme: World) -> None:
    owner = Api(acme.people["owner"])
    made = owner.post("tokens", {"name": "script", "scopes": ["write"]})
    assert made.status_code == 201
    text = made.json()["token"]
    shown = owner.get(f"tokens/{made.json()['id']}")
    assert "token" not in shown.json()
    program = Api(token=text)
    assert program.put("domains/new.example", {}).status_code == 201
    assert owner.get(f"tokens/{made.json()['id']}").json()["last_used_at"] is not None
    assert program.get("tokens").status_code == 403
    assert owner.delete(f"tokens/{made.json()['id']}").status_code == 204
    assert program.get("me").status_code == 401


def test_token_of_a_tenant_sees_only_that(acme: World, rival: World, operator: Person) -> None:
    _token, text = tokens.create(operator, "narrow", "write", tenant=acme.tenant)
    program = Api(token=text)
    assert [each["slug"] for each in program.get("tenants").json()["results"]] == ["acme"]
    assert program.put("domains/new.example", {}).status_code == 201
    assert program.post("tenants", {"name": "x", "slug": "x"}).status_code == 403


def test_expired_and_wrong_tokens(acme: World) -> None:
    owner = acme.people["owner"]
    token, text = tokens.create(owner, "x", expires_at=timezone.now() + timedelta(hours=1))
    assert Api(token=text).get("me").status_code == 200
    token.expires_at = timezone.now()
    token.save()
    wrong = ("fedsip_", "fedsip_abc_def", "x", text, text[:-1] + "!", "fedsip_é_x", "a" * 5000)
    for each in wrong:
        answer = Api(token=each).get("me")
        assert answer.status_code == 401, each
        assert "wrong, expired or withdrawn" in answer.json()["detail"]


def test_viewers_make_no_writing_token(acme: World) -> None:
    viewer = Api(acme.people["viewer"])
    refused = viewer.post("tokens", {"name": "x", "scopes": ["write"], "tenant": "acme"})
    assert set(problems(refused)) == {"scopes"}
    past = viewer.post("tokens", {"name": "x", "expires_at": "2020-01-01T00:00:00Z"})
    assert problems(past) == {"expires_at": "This is in the past."}


# -- paging, throttling, ids


def test_pages_go_through_all_once(as_admin: Api, acme: World) -> None:
    Subscriber.objects.bulk_create(
        Subscriber(
            domain=acme.domain,
            username=f"u{number:03}",
            aor=f"u{number:03}@example.com",
            ha1_md5="0" * 32,
        )
        for number in range(25)
    )
    seen: list[str] = []
    address = "/api/v1/users?limit=10"
    while address:
        page = as_admin.get(address).json()
        seen += [each["username"] for each in page["results"]]
        address = page["next"] and page["next"].removeprefix("https://testserver")
    assert seen == ["alice", *(f"u{number:03}" for number in range(25))]


def test_throttle_says_when_to_come_again(
    acme: World, monkeypatch: pytest.MonkeyPatch, as_admin: Api
) -> None:
    buckets = throttles.Buckets()
    monkeypatch.setattr(throttles, "_buckets", buckets)
    while buckets.take(f"person {acme.people['admin'].pk}", 2, now=0.0) == 0:
        pass
    monkeypatch.setattr(throttles.time, "monotonic", lambda: 0.0)
    refused = as_admin.get("me")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1


def test_request_id_is_the_callers_if_decent(as_admin: Api) -> None:
    headers = {"X-Request-ID": "job-17"}
    assert as_admin.get("me", **headers).headers["X-Request-ID"] == "job-17"
    headers = {"X-Request-ID": "job 17\t<script>"}
    assert "<" not in as_admin.get("me", **headers).headers["X-Request-ID"]


def test_answers_are_not_stored(as_admin: Api) -> None:
    assert as_admin.get("me").headers["Cache-Control"] == "no-store"


def test_lists_need_few_queries(
    acme: World, as_admin: Api, django_assert_max_num_queries: Any
) -> None:
    Subscriber.objects.bulk_create(
        Subscriber(domain=acme.domain, username=f"u{n}", aor=f"u{n}@example.com", ha1_md5="0" * 32)
        for n in range(50)
    )
    for path in ("users", "domains", "registrations", "translations", "tenants"):
        with django_assert_max_num_queries(5):
            assert as_admin.get(path).status_code == 200
