"""Django's admin: writes go through the services, and what the proxies write is only read."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants.models import Person, Tenant
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.fixture
def client(operator: Person) -> Client:
    client = Client()
    client.force_login(operator, "allauth.account.auth_backends.AuthenticationBackend")
    return client


def initial(client: Client, address: str) -> dict[str, Any]:
    """The fields of a form as the page shows them."""
    form = client.get(address, secure=True).context["adminform"].form
    shown = {}
    for bound in form:
        value = bound.value()
        if value is not None and value is not False:
            shown[bound.html_name] = value
    return shown


def post(client: Client, address: str, **fields: Any) -> Any:
    return client.post(address, fields, secure=True)


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 200, answer.headers
    return answer.context["adminform"].form.errors


def test_every_page_opens(client: Client, acme: World) -> None:
    for model, model_admin in admin.site._registry.items():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert client.get(f"{base}?q=a", secure=True).status_code == 200, base
        request = client.get(base, secure=True).wsgi_request
        if model_admin.has_add_permission(request):
            page = client.get(f"{base}add/", secure=True)
            assert page.status_code == 200, base
            assert b"DatabaseDefault" not in page.content, base
        thing = model.objects.first()
        if thing is not None:
            assert client.get(f"{base}{thing.pk}/change/", secure=True).status_code == 200, base


MEMBERSHIPS = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}


def test_tenant_is_made_and_renamed(client: Client) -> None:
    made = post(client, "/admin/tenants/tenant/add/", name="Acme", slug="acme", **MEMBERSHIPS)
    assert made.status_code == 302
    tenant = Tenant.objects.get()
    address = f"/admin/tenants/tenant/{tenant.pk}/change/"
    post(client, address, name="ACME", slug="acme", enabled="on", **MEMBERSHIPS)
    tenant.refresh_from_db()
    assert (tenant.name, tenant.enabled) == ("ACME", True)
    refused = post(client, address, name="ACME", slug="A B", **MEMBERSHIPS)
    assert list(errors(refused)) == ["slug"]


def test_domain_is_normalised_and_refused_twice(client: Client, acme: World) -> None:
    add = "/admin/directory/domain/add/"
    fields = initial(client, add) | {"tenant": acme.tenant.pk, "name": "Bücher.example"}
    assert post(client, add, **fields).status_code == 302
    assert Domain.objects.filter(name="xn--bcher-kva.example").exists()
    assert errors(post(client, add, **fields))["name"] == ["This domain is taken already."]
    fields["name"] = "a b"
    assert "no domain name" in errors(post(client, add, **fields))["name"][0]


def test_domain_with_users_keeps_its_name(client: Client, acme: World) -> None:
    address = f"/admin/directory/domain/{acme.domain.pk}/change/"
    fields = initial(client, address) | {"name": "other.example"}
    assert "passwords work only" in errors(post(client, address, **fields))["name"][0]
    fields["name"], fields["note"] = "example.com", "ours"
    assert post(client, address, **fields).status_code == 302
    acme.domain.refresh_from_db()
    assert acme.domain.note == "ours"


def test_tenants_limit_is_an_error_of_the_form(client: Client, acme: World) -> None:
    Tenant.objects.update(max_domains=1)
    add = "/admin/directory/domain/add/"
    fields = initial(client, add) | {"tenant": acme.tenant.pk, "name": "new.example"}
    assert errors(post(client, add, **fields))["tenant"] == ["acme may have 1 domains, not more."]


def test_user_gets_hashes(client: Client, acme: World) -> None:
    add = "/admin/directory/subscriber/add/"
    fields = {"domain": acme.domain.pk, "username": "Bob", "enabled": "on"}
    assert list(errors(post(client, add, **fields))) == ["password"]
    refused = post(client, add, **fields, password="short")
    assert errors(refused)["password"] == ["Use 8 to 128 characters."]
    assert post(client, add, **fields, password="a good password").status_code == 302
    bob = Subscriber.objects.get(aor="bob@example.com")
    assert bob.ha1_md5 == hashlib.md5(b"bob:example.com:a good password").hexdigest()
    again = post(client, add, **fields, password="a good password")
    assert errors(again)["username"] == ["This user exists already."]


def test_user_keeps_the_password_when_none_is_typed(client: Client, acme: World) -> None:
    address = f"/admin/directory/subscriber/{acme.user.pk}/change/"
    before = acme.user.ha1_md5
    assert post(client, address, enabled="on", display_name="A", password="").status_code == 302
    acme.user.refresh_from_db()
    assert (acme.user.display_name, acme.user.ha1_md5) == ("A", before)
    assert post(client, address, enabled="on", password="a new password").status_code == 302
    acme.user.refresh_from_db()
    assert acme.user.ha1_md5 == hashlib.md5(b"alice:example.com:a new password").hexdigest()
    assert acme.user.display_name == ""


def test_pages_never_show_hashes(client: Client, acme: World) -> None:
    page = client.get(f"/admin/directory/subscriber/{acme.user.pk}/change/", secure=True)
    assert acme.user.ha1_md5 not in page.content.decode()
    assert acme.user.ha1_sha256 not in page.content.decode()


def test_users_are_disabled_in_bulk(client: Client, acme: World) -> None:
    address = "/admin/directory/subscriber/"
    post(client, address, action="disable", _selected_action=[acme.user.pk])
    acme.user.refresh_from_db()
    assert not acme.user.enabled
    assert Binding.objects.get().deleted
    post(client, address, action="enable", _selected_action=[acme.user.pk])
    acme.user.refresh_from_db()
    assert acme.user.enabled


def test_rules_are_checked(client: Client, acme: World) -> None:
    address = f"/admin/directory/translation/{acme.rule.pk}/change/"
    fields = initial(client, address)
    refused = post(client, address, **(fields | {"match_regex": "(?=x)"}))
    assert list(errors(refused)) == ["match_regex"]
    assert post(client, address, **(fields | {"match_regex": "^1001$"})).status_code == 302
    acme.rule.refresh_from_db()
    assert acme.rule.match_regex == "^1001$"


def test_registrations_are_signed_out(client: Client, acme: World) -> None:
    address = "/admin/location/binding/"
    assert client.get(f"{address}add/", secure=True).status_code == 403
    post(client, address, action="sign_out", _selected_action=[acme.binding.pk])
    assert Binding.objects.get().deleted


@pytest.mark.parametrize("kind", ["tenants/tenant", "directory/domain", "directory/subscriber"])
def test_deletion_says_numbers_and_deletes(client: Client, acme: World, kind: str) -> None:
    thing = {
        "tenants/tenant": acme.tenant,
        "directory/domain": acme.domain,
        "directory/subscriber": acme.user,
    }[kind]
    address = f"/admin/{kind}/{thing.pk}/delete/"
    assert client.get(address, secure=True).status_code == 200
    assert post(client, address, post="yes").status_code == 302
    assert not type(thing).objects.filter(pk=thing.pk).exists()
    bulk = f"/admin/{kind}/"
    answer = post(client, bulk, action="delete_selected", _selected_action=[thing.pk], post="yes")
    assert answer.status_code == 302


def test_deletion_in_bulk(client: Client, acme: World, rival: World) -> None:
    fields = {"action": "delete_selected", "_selected_action": [acme.tenant.pk, rival.tenant.pk]}
    asked = post(client, "/admin/tenants/tenant/", **fields)
    assert asked.status_code == 200
    assert post(client, "/admin/tenants/tenant/", **fields, post="yes").status_code == 302
    assert not Tenant.objects.exists()


def test_people_are_made_with_a_good_password(client: Client) -> None:
    add = "/admin/tenants/person/add/"
    fields = {"email": "Carol@example.org", "name": "Carol", **MEMBERSHIPS}
    short = post(client, add, **fields, password1="short", password2="short")
    assert list(errors(short)) == ["password2"]
    word = "correct horse battery staple"
    assert post(client, add, **fields, password1=word, password2=word).status_code == 302
    carol = Person.objects.get(email="carol@example.org")
    assert carol.check_password(word)
    assert carol.password.startswith("argon2")
