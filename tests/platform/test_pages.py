"""The door, the first page, health, and how browsers are told to behave."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from admin_ui.views import calls
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.federation.models import CheckState, DomainCheck
from fedsip_platform.tenants.models import Membership, Person
from tests.platform.browsing import Visitor
from tests.platform.world import PASSWORD, Api, World, make_live_call, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def test_health(db: None) -> None:
    answer = Client().get("/health")  # also over plain HTTP, as load balancers ask
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_strangers_are_led_to_the_door() -> None:
    assert Api().get("/").headers["Location"] == "/sign-in?next=/"


def test_the_door_leads_to_a_forgotten_password(db: None) -> None:
    door = Client().get("/sign-in", secure=True).content.decode()
    assert 'href="/account/password/reset/"' in door
    assert Client().get("/account/password/reset/", secure=True).status_code == 200


def test_plain_http_is_led_to_https() -> None:
    answer = Client().get("/sign-in")
    assert answer.status_code == 301
    assert answer.headers["Location"] == "https://testserver/sign-in"


def test_sign_in_and_out() -> None:
    person = make_person("carol@example.org", name="Carol")
    person.set_password(PASSWORD)
    person.save()
    client = Client()
    wrong = client.post("/sign-in", {"login": person.email, "password": "x"}, secure=True)
    assert "The address or the password is wrong." in wrong.content.decode()
    right = {"login": " CAROL@example.org ", "password": PASSWORD}
    assert client.post("/sign-in", right, secure=True).headers["Location"] == "/"
    page = client.get("/", secure=True).content.decode()
    assert "Carol" in page
    assert client.post("/sign-out", secure=True).headers["Location"] == "/sign-in"
    assert client.get("/", secure=True).status_code == 302


def test_sign_in_leads_nowhere_else() -> None:
    person = make_person("carol@example.org")
    person.set_password(PASSWORD)
    person.save()
    body = {"login": person.email, "password": PASSWORD, "next": "https://evil.example/"}
    answer = Client().post("/sign-in", body, secure=True)
    assert answer.headers["Location"] == "/"


def test_guessing_locks_out_with_a_page() -> None:
    client = Client()
    body = {"login": "nobody@example.org", "password": "x"}
    answers = [client.post("/sign-in", body, secure=True) for _ in range(11)]
    assert answers[8].status_code == 200
    assert answers[10].status_code == 429
    assert answers[10].headers["Retry-After"] == "900"
    assert "Wait 15 minutes" in answers[10].content.decode()


def test_first_page_leads_to_ones_tenant(acme: World, rival: World) -> None:
    viewer = Api(acme.people["viewer"])
    assert viewer.get("/").headers["Location"] == "/t/acme/"
    page = viewer.get("/t/acme/").content.decode()
    assert "of 1 users online" in page
    assert "example.net" not in page
    assert "/platform/" not in page


def test_several_tenants_are_a_choice_and_none_is_told(acme: World, rival: World) -> None:
    person = acme.people["viewer"]
    Membership.objects.create(person=person, tenant=rival.tenant, role="viewer")
    page = Api(person).get("/").content.decode()
    assert "/t/acme/" in page
    assert "/t/rival/" in page
    nobody = Api(make_person("stranger@example.org"))
    assert "You belong to no tenant yet" in nobody.get("/").content.decode()


def test_first_page_of_the_operator(acme: World, rival: World, as_operator: Api) -> None:
    assert as_operator.get("/").headers["Location"] == "/platform/"
    page = as_operator.get("/platform/").content.decode()
    assert "No proxy is running" in page
    assert "/t/acme/" in page
    assert "/t/rival/" in page
    assert "/admin/" in page


def test_an_operators_coming_is_seen_and_noted_once(acme: World, as_operator: Api) -> None:
    for _ in range(2):
        page = as_operator.get("/t/acme/").content.decode()
        assert "You act for <b>Acme</b> as an operator" in page
    assert Entry.objects.filter(tenant=acme.tenant, action="act for").count() == 1
    assert "as an operator" not in Api(acme.people["owner"]).get("/t/acme/").content.decode()


def test_names_are_escaped(acme: World) -> None:
    person = acme.people["owner"]
    person.name = "<script>alert(1)</script>"
    person.save()
    assert "<script>" not in Api(person).get("/t/acme/").content.decode()


@pytest.mark.parametrize(
    "address", ["/t/acme/", "/platform/", "/sign-in", "/nothing", "/api/v1/me", "/admin/"]
)
def test_browsers_are_told_to_be_strict(acme: World, as_operator: Api, address: str) -> None:
    headers = as_operator.get(address).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers  # the tests have no certificate


def test_https_is_insisted_on_where_settings_say_so(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    answer = Client().get("/sign-in", secure=True)
    assert answer.headers["Strict-Transport-Security"] == "max-age=60"


def test_cookies_are_for_https_and_for_no_script() -> None:
    person = make_person("carol@example.org")
    person.set_password(PASSWORD)
    person.save()
    client = Client()
    client.get("/sign-in", secure=True)
    client.post("/sign-in", {"login": person.email, "password": PASSWORD}, secure=True)
    assert {"__Host-fedsip-session", "__Host-fedsip-csrf"} <= set(client.cookies)
    for cookie in client.cookies.values():
        said = (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"])
        assert said == (True, True, "Lax", "/"), cookie.key
        assert not cookie["domain"]


def test_pages_that_are_not_there(as_operator: Api) -> None:
    page = as_operator.get("/nothing")
    assert page.status_code == 404
    assert "There is no such page" in page.content.decode()
    program = as_operator.get("/api/v2/nothing")
    assert program.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_host_is_refused() -> None:
    answer = Client().get("/api/v1/me", secure=True, headers={"Host": "evil.example"})
    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_search_finds_other_names(acme: World, rival: World) -> None:
    alias = acme.routes["aliases"]
    shown = Api(acme.people["viewer"]).get(f"/t/acme/search?q={alias.name}").content.decode()
    assert f"/t/acme/routing/aliases/{alias.public_id}" in shown
    assert "example.net" not in shown


def test_published_records_are_ticked_off(acme: World) -> None:
    CallRecord.objects.all().delete()
    viewer = Api(acme.people["viewer"])
    ticked = {}
    for state in (CheckState.UNKNOWN, CheckState.FINE):
        DomainCheck.objects.update_or_create(domain=acme.domain, defaults={"state": state})
        ticked[state] = viewer.get("/t/acme/").content.decode().count("(done)")
    assert ticked[CheckState.FINE] == ticked[CheckState.UNKNOWN] + 1


def test_all_calls_that_go_on_are_counted(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_LIVE", 1)
    make_live_call(acme.tenant, acme.domain)
    shown = Api(acme.people["viewer"]).get("/t/acme/calls/").content.decode()
    assert "2 calls now" in shown
    assert "The latest 1 of those that go on" in shown


@pytest.mark.parametrize(
    ("asked", "live", "ended"),
    [
        ("", True, True),
        ("result=live", True, False),
        ("result=answered", False, True),
        ("result=failed", False, False),
        ("status=486", False, False),
        ("q=alice@example.com", True, True),
        ("q=nobody@example.com", False, False),
        ("domain=example.com", True, True),
        ("domain=elsewhere.example", False, False),
        ("from=2020-01-01", True, True),
        ("to=2020-01-01", False, False),
    ],
)
def test_one_list_has_calls_that_go_on_and_those_of_the_past(
    acme: World, asked: str, live: bool, ended: bool
) -> None:
    shown = Api(acme.people["viewer"]).get(f"/t/acme/calls/?{asked}").content.decode()
    assert (f"/calls/{acme.live_call.public_id}" in shown) is live
    assert (f"/calls/{acme.call.public_id}" in shown) is ended


def test_blocked_addresses_change_as_they_are_blocked(as_operator: Api) -> None:
    shown = as_operator.get("/platform/blocks").content.decode()
    assert "live:block from:body" in shown
    assert "data-live" in shown


def test_a_call_leads_to_its_like_of_now(acme: World) -> None:
    """Which rules it meets and where the DNS leads it, as things are when one asks."""
    viewer = Visitor(acme.people["viewer"])
    page = viewer.reads(f"/t/acme/calls/{acme.call.public_id}")
    found = re.search(r'href="(/t/acme/routing/\?domain=example\.com&[^"]+)"', page)
    assert found is not None
    assert "alice" in viewer.reads(found[1])
    assert "sip:bob@example.com" in viewer.shown
    acme.call.caller = "sip:stranger@elsewhere.example"
    acme.call.save()
    assert "Which rules such a call meets" not in viewer.reads(
        f"/t/acme/calls/{acme.call.public_id}"
    )


def test_the_door_tells_of_the_first_password_until_somebody_has_signed_in(acme: World) -> None:
    Person.objects.update(last_login=None)
    assert "./fedsip up" in Client().get("/sign-in", secure=True).content.decode()
    Person.objects.filter(pk=acme.people["viewer"].pk).update(last_login=timezone.now())
    shown = Client().get("/sign-in", secure=True).content.decode()
    assert "./fedsip up" not in shown
    assert shown.count("Forgot your password?") == 1


def test_a_form_that_is_too_old_is_answered_by_a_page_of_ours(acme: World) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in", {"login": "a"}, secure=True)
    assert answer.status_code == 403
    shown = answer.content.decode()
    assert "Send it once more" in shown
    assert "Back to the start" in shown
