"""People: invited, in roles, with second factors, switching tenants, owning SIP users."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.utils import timezone

from fedsip_platform.api import tokens
from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import ServiceError
from fedsip_platform.people import services
from fedsip_platform.people.models import Invitation
from fedsip_platform.tasks import letters
from fedsip_platform.tasks.models import Letter
from fedsip_platform.tenants.models import Membership, Person
from tests.platform.browsing import Visitor
from tests.platform.world import PASSWORD, Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def with_password(email: str) -> Person:
    person = make_person(email)
    person.set_password(PASSWORD)
    person.save()
    return person


def sign_in(client: Client, person: Person) -> str:
    answer = client.post("/sign-in", {"login": person.email, "password": PASSWORD}, secure=True)
    return answer.headers.get("Location", "")


def code_of(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def with_authenticator(person: Person) -> str:
    secret = "JBSWY3DPEHPK3PXP"
    TOTP.activate(person, secret)
    return secret


def link_in(letter: Letter) -> str:
    found = re.search(r"https://\S+", letter.body)
    assert found
    return found[0].removeprefix("https://testserver")


# -- invitations


def test_owner_invites_somebody_new(acme: World) -> None:
    owner = Api(acme.people["owner"])
    made = owner.post("invitations", {"email": "Dora@example.org", "role": "admin"})
    assert made.status_code == 201
    letter = Letter.objects.latest("pk")
    assert letter.to == "dora@example.org"
    assert made.json()["link"].endswith(link_in(letter))
    client = Client()
    page = client.get(link_in(letter), secure=True).content.decode()
    assert "Join Acme" in page
    weak = client.post(link_in(letter), {"name": "Dora", "password": "short"}, secure=True)
    assert "at least 12 characters" in weak.content.decode()
    joined = client.post(link_in(letter), {"name": "Dora", "password": PASSWORD}, secure=True)
    assert joined.status_code == 302
    dora = Person.objects.get(email="dora@example.org")
    assert dora.memberships.get().role == "admin"
    assert client.get("/", secure=True).headers["Location"] == "/t/acme/"
    again = client.get(link_in(letter), secure=True)
    assert again.status_code == 410
    assert Entry.objects.filter(kind="membership", action="create", tenant=acme.tenant).exists()


def test_invitations_to_different_things_stand_beside_each_other(acme: World) -> None:
    email = "dora@example.org"
    _, as_admin = services.invite(acme.tenant, email, "admin")
    _, to_phone = services.invite(acme.tenant, email, subscriber=acme.user)
    owner = Visitor(acme.people["owner"])
    again = owner.sends("/t/acme/settings/", email=email, role="viewer")
    assert "the earlier one is void" in again
    assert services.open_invitation(as_admin.rpartition("/")[2]) is None
    assert set(Invitation.objects.filter(email=email).values_list("role", "subscriber")) == {
        ("viewer", None),
        ("", acme.user.pk),
    }
    client = Client()
    client.post(to_phone, {"name": "Dora", "password": PASSWORD}, secure=True)
    dora = Person.objects.get(email=email)
    assert list(services.owned(dora)) == [acme.user]
    role = Invitation.objects.get(email=email, accepted_at=None)
    services.accept(role, dora)
    assert dora.memberships.get().role == "viewer"


def test_who_has_an_account_must_sign_in_to_accept(acme: World) -> None:
    erin = make_person("erin@example.org")
    _, link = services.invite(acme.tenant, "erin@example.org", "viewer")
    stranger, same = Api(make_person("eve@example.org")), Api(erin)
    assert stranger.post(link).status_code == 200
    assert not erin.memberships.exists()
    assert same.post(link).status_code == 302
    assert erin.memberships.get().role == "viewer"
    assert Client().post(link, {"name": "x", "password": PASSWORD}, secure=True).status_code == 410


def test_invitation_ends(acme: World) -> None:
    invitation, link = services.invite(acme.tenant, "dora@example.org", "viewer")
    Invitation.objects.filter(pk=invitation.pk).update(expires_at=timezone.now())
    assert Client().get(link, secure=True).status_code == 410
    _, second = services.invite(acme.tenant, "dora@example.org", "viewer")
    _, third = services.invite(acme.tenant, "dora@example.org", "admin")
    assert Client().get(second, secure=True).status_code == 410
    assert Client().get(third, secure=True).status_code == 200
    owner = Api(acme.people["owner"])
    (shown,) = owner.get("invitations?email=dora@example.org").json()["results"]
    assert owner.delete(f"invitations/{shown['id']}").status_code == 204
    assert Client().get(third, secure=True).status_code == 410


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [
        ("admin@example.com", "viewer", "email"),
        ("no address", "viewer", "email"),
        ("dora@example.org", "", ""),
        ("dora@example.org", "king", "role"),
    ],
)
def test_invitation_that_is_refused(acme: World, email: str, role: str, field: str) -> None:
    with pytest.raises(ServiceError) as refused:
        services.invite(acme.tenant, email, role)
    assert refused.value.field == field


def test_only_owners_decide_who_belongs(acme: World) -> None:
    admin, owner = Api(acme.people["admin"]), Api(acme.people["owner"])
    body = {"email": "dora@example.org", "role": "owner"}
    assert admin.post("invitations", body).status_code == 403
    viewer = acme.membership("viewer").public_id
    assert admin.patch(f"people/{viewer}", {"role": "owner"}).status_code == 403
    assert owner.patch(f"people/{viewer}", {"role": "admin"}).json()["role"] == "admin"
    assert owner.delete(f"people/{viewer}").status_code == 204
    assert not acme.people["viewer"].memberships.exists()


def test_a_tenant_keeps_an_owner(acme: World) -> None:
    owner = Api(acme.people["owner"])
    key = acme.membership("owner").public_id
    for answer in (owner.delete(f"people/{key}"), owner.patch(f"people/{key}", {"role": "viewer"})):
        assert answer.status_code == 409
    services.join(acme.tenant, acme.people["admin"], "owner")
    assert owner.patch(f"people/{key}", {"role": "viewer"}).status_code == 200


def test_letters_are_posted_once_and_put_off(acme: World, monkeypatch: pytest.MonkeyPatch) -> None:
    letter = Letter.objects.latest("pk")
    assert letters.post_letter(letter.pk)
    assert [sent.to for sent in mail.outbox] == [["new@example.com"]]
    assert not letters.post_letter(letter.pk)
    services.invite(acme.tenant, "dora@example.org", "viewer")
    monkeypatch.setattr("django.conf.settings.EMAIL_BACKEND", "tests.platform.dead_mail.Backend")
    assert letters.post_waiting() == 0
    left = Letter.objects.get()
    assert (left.attempts, left.problem) == (1, "nobody listens")
    assert left.due_at > timezone.now()
    monkeypatch.undo()
    assert letters.post_waiting() == 0  # not due yet
    Letter.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert letters.post_waiting() == 1
    assert not Letter.objects.exists()


# -- signing in


def test_password_is_reset_by_letter() -> None:
    person = with_password("carol@example.org")
    client = Client()
    answer = client.post("/account/password/reset/", {"email": person.email}, secure=True)
    assert answer.status_code == 302
    page = client.get(link_in(Letter.objects.get()), secure=True, follow=True)
    new = "a completely different phrase"
    client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new}, secure=True)
    person.refresh_from_db()
    assert person.check_password(new)
    unknown = client.post("/account/password/reset/", {"email": "no@example.org"}, secure=True)
    assert unknown.status_code == answer.status_code
    assert unknown.headers["Location"] == answer.headers["Location"]


def test_nobody_signs_up_uninvited() -> None:
    body = {"email": "eve@example.org", "password1": PASSWORD}
    answer = Client().post("/account/signup/", body, secure=True)
    assert "closed" in answer.content.decode().lower()
    assert not Person.objects.filter(email="eve@example.org").exists()


def test_second_factor_is_asked_for() -> None:
    person = with_password("carol@example.org")
    secret = with_authenticator(person)
    assert secret not in str(Authenticator.objects.get().data)
    client = Client()
    assert sign_in(client, person) == "/account/mfa/authenticate/"
    assert client.get("/", secure=True).status_code == 302
    wrong = client.post("/account/mfa/authenticate/", {"code": "000000"}, secure=True)
    assert wrong.status_code == 200
    client.post("/account/mfa/authenticate/", {"code": code_of(secret)}, secure=True)
    assert client.get("/", secure=True).status_code == 200


def test_guessed_codes_are_limited_by_whose_they_are_and_passwords_are_not() -> None:
    person = with_password("carol@example.org")
    secret = with_authenticator(person)
    for number in range(12):  # a stranger, from many addresses
        body = {"login": person.email, "password": "x"}
        Client(REMOTE_ADDR=f"192.0.2.{number}").post("/sign-in", body, secure=True)
    for number in range(10):  # one who knows the password
        guesser = Client(REMOTE_ADDR=f"198.51.100.{number}")
        assert sign_in(guesser, person) == "/account/mfa/authenticate/"
        guesser.post("/account/mfa/authenticate/", {"code": "000000"}, secure=True)
    last = Client(REMOTE_ADDR="203.0.113.1")
    assert sign_in(last, person) == "/account/mfa/authenticate/"
    refused = last.post("/account/mfa/authenticate/", {"code": code_of(secret)}, secure=True)
    assert "Too many failed login attempts" in refused.content.decode()


def test_second_factor_is_asked_for_by_the_api_and_djangos_admin() -> None:
    person = with_password("carol@example.org")
    person.is_operator = True
    person.save()
    secret = with_authenticator(person)
    api = Api()
    body = {"email": person.email, "password": PASSWORD}
    for refused in (body, {**body, "code": "000000"}):
        answer = api.post("session", refused)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "code"
    assert api.get("me").status_code == 401
    assert api.post("session", {**body, "code": code_of(secret)}).json()["signed_in"] is True
    door = Client().post(
        "/admin/login/", {"username": person.email, "password": PASSWORD}, secure=True
    )
    assert door.status_code == 302
    assert door.headers["Location"].startswith("/sign-in")


def test_tenant_requires_a_second_factor(acme: World) -> None:
    owner = Api(acme.people["owner"])
    assert owner.patch("tenants/acme", {"require_mfa": True}).status_code == 200
    assert owner.get("/").headers["Location"] == "/account/mfa/"
    refused = owner.get("domains")
    assert refused.status_code == 403
    assert "second factor" in refused.json()["detail"]
    with_authenticator(acme.people["owner"])
    assert owner.get("/").headers["Location"] == "/t/acme/"
    assert owner.get("domains").status_code == 200


def test_tokens_wait_for_the_second_factor_too(acme: World, rival: World) -> None:
    """But not those of another tenant alone, which requires none."""
    owner = acme.people["owner"]
    services.join(rival.tenant, owner, "admin")
    everywhere, there = (
        Api(token=tokens.create(owner, "a program", tenant=tenant)[1])
        for tenant in (None, rival.tenant)
    )
    acme.tenant.require_mfa = True
    acme.tenant.save()
    refused = everywhere.get("domains")
    assert refused.status_code == 403
    assert "second factor" in refused.json()["detail"]
    assert there.get("domains").status_code == 200
    with_authenticator(owner)
    assert everywhere.get("domains").status_code == 200


def test_sessions_are_listed_and_revoked() -> None:
    person = with_password("carol@example.org")
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, person)
    assert Session.objects.count() == 2
    page = here.get("/account/sessions/", secure=True)
    assert page.status_code == 200
    here.post("/account/sessions/", secure=True)
    assert here.get("/", secure=True).status_code == 200
    assert there.get("/", secure=True).status_code == 302


def test_one_session_is_ended_without_the_others() -> None:
    person, other = with_password("dora@example.org"), with_password("eve@example.org")
    here, there, hers = Client(), Client(), Client()
    for client in (here, there):
        sign_in(client, person)
    sign_in(hers, other)
    sessions = {each.session_key: each for each in UserSession.objects.all()}
    of_eve = sessions[hers.session.session_key]
    of_there = sessions[there.session.session_key]
    page = here.get("/account/sessions/", secure=True).content.decode()
    assert f"/account/sessions/{of_there.pk}/end" in page
    assert str(of_eve.pk) not in re.findall(r"sessions/(\d+)/end", page)
    assert here.post(f"/account/sessions/{of_eve.pk}/end", secure=True).status_code == 404
    here.post(f"/account/sessions/{of_there.pk}/end", secure=True)
    assert there.get("/mine/", secure=True).status_code == 302
    assert here.get("/account/sessions/", secure=True).status_code == 200
    assert hers.get("/account/sessions/", secure=True).status_code == 200
    assert Entry.objects.latest("pk").action == "sign out"


def test_every_page_of_the_account_opens(as_operator: Api) -> None:
    for page in ("password/change/", "password/reset/", "mfa/", "sessions/", "inactive/"):
        answer = as_operator.get(f"/account/{page}")
        assert answer.status_code in (200, 302), page
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
    door = Client().get("/sign-in", secure=True).content.decode()
    assert "Use a passkey" in door
    assert "Single sign-on" not in door  # no provider is set


def test_signing_in_and_out_is_logged() -> None:
    person = with_password("carol@example.org")
    client = Client()
    sign_in(client, person)
    client.post("/sign-out", secure=True)
    noted = [(each.action, each.actor, each.address) for each in Entry.objects.order_by("pk")]
    assert noted == [
        ("sign in", "carol@example.org", "127.0.0.1"),
        ("sign out", "carol@example.org", "127.0.0.1"),
    ]


# -- switching tenants, acting for one


def test_operator_acts_for_a_tenant_and_it_is_logged(acme: World, operator: Person) -> None:
    api = Api(operator)
    assert api._client.post("/account/tenant", {"tenant": "acme"}, secure=True).status_code == 302
    begun = Entry.objects.latest("pk")
    assert (begun.action, begun.tenant, begun.as_operator) == ("act for", acme.tenant, True)
    assert api._client.post("/account/tenant", {"tenant": ""}, secure=True).status_code == 302
    assert Entry.objects.latest("pk").action == "act no more"


def test_nobody_switches_to_others_tenants(acme: World, rival: World) -> None:
    client = Api(acme.people["owner"])._client
    assert client.post("/account/tenant", {"tenant": "rival"}, secure=True).status_code == 404
    Membership.objects.create(person=acme.people["owner"], tenant=rival.tenant, role="viewer")
    assert client.post("/account/tenant", {"tenant": "rival"}, secure=True).status_code == 302


# -- own SIP users


def test_subscriber_becomes_somebodys_own(acme: World) -> None:
    owner = Api(acme.people["owner"])
    body = {"email": "alice@example.org", "user": "alice@example.com"}
    assert owner.post("invitations", body).status_code == 201
    link = link_in(Letter.objects.latest("pk"))
    Client().post(link, {"name": "Alice", "password": PASSWORD}, secure=True)
    alice = Person.objects.get(email="alice@example.org")
    assert list(services.owned(alice)) == [acme.user]
    assert not alice.memberships.exists()
    assert Api(alice).get("users").json()["results"] == []
    services.own(acme.user, None)
    assert list(services.owned(alice)) == []
