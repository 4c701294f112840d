"""The audit log: every change by every way, without secrets, and not to be changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fedsip_platform.api import tokens
from fedsip_platform.audit import log
from fedsip_platform.audit.models import Entry
from fedsip_platform.directory import imports, services
from fedsip_platform.tasks import housekeeping
from fedsip_platform.tenants.models import Person
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def last() -> Entry:
    return Entry.objects.latest("pk")


def test_change_by_session_names_who_where_and_what(acme: World, as_admin: Api) -> None:
    answer = as_admin.patch("domains/example.com", {"require_tls": True, "note": "strict"})
    made = last()
    assert (made.action, made.kind, made.key) == ("change", "domain", "example.com")
    assert made.changes == {"require_tls": [False, True], "note": ["", "strict"]}
    assert (made.actor, made.via, made.address) == ("admin@example.com", "api", "127.0.0.1")
    assert made.person == acme.people["admin"]
    assert made.tenant == acme.tenant
    assert made.request_id == answer.headers["X-Request-ID"]
    assert not made.as_operator


def test_change_by_token_names_the_token(acme: World) -> None:
    token, text = tokens.create(acme.people["owner"], "w", "write")
    Api(token=text).delete("users/alice@example.com")
    made = Entry.objects.filter(kind="user").latest("pk")
    assert (made.action, made.kind, made.key) == ("delete", "user", "alice@example.com")
    assert (made.token, made.actor) == (token.prefix, "owner@example.com")
    assert made.changes["display_name"] == ["Alice", None]


def test_operators_are_seen_to_act_as_such(acme: World, as_operator: Api) -> None:
    as_operator.patch("domains/example.com", {"note": "by us"})
    assert last().as_operator
    assert last().tenant == acme.tenant


def test_secrets_are_masked(acme: World, as_admin: Api) -> None:
    as_admin.patch("users/alice@example.com", {"password": "another password"})
    assert last().changes == {"password": [log.HIDDEN, log.HIDDEN]}
    acme.user.refresh_from_db()
    everything = str(list(Entry.objects.values()))
    for secret in ("a good password", "another password", acme.user.ha1_md5, acme.user.ha1_sha256):
        assert secret not in everything


def test_nothing_changed_is_nothing_logged(acme: World, as_admin: Api) -> None:
    before = Entry.objects.count()
    assert as_admin.put("domains/example.com", {"note": ""}).status_code == 200
    assert as_admin.patch("domains/example.com", {"name": "x y"}).status_code == 400
    assert as_admin.post("domains", {"name": "example.com"}).status_code == 409
    assert Entry.objects.count() == before


def test_command_line_is_named(acme: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("domain", "set", "example.com", "note=x")
    assert last().via == "cli"
    assert last().actor.endswith(" at the command line")
    services.update_domain(acme.domain, note="y")
    assert (last().via, last().actor) == ("task", "fedsip")


def test_nobody_changes_the_log(acme: World) -> None:
    before = list(Entry.objects.order_by("pk").values())
    attempts = (
        lambda: Entry.objects.update(actor="somebody else"),
        lambda: Entry.objects.all().delete(),
        lambda: last().delete(),
        lambda: Entry.objects.filter(pk=last().pk).update(changes={}),
        lambda: run("TRUNCATE audit_entry"),
        lambda: run("SET LOCAL fedsip.audit_forget = 'on'; DELETE FROM audit_entry"),
        lambda: run("SET LOCAL fedsip.audit_forget = 'on'; UPDATE audit_entry SET actor = 'x'"),
    )
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
            attempt()
    with pytest.raises(DatabaseError, match="30 days"), transaction.atomic():
        run("SELECT audit_forget(1)")
    assert list(Entry.objects.order_by("pk").values()) == before


def test_tokens_are_made_and_withdrawn_in_the_log(acme: World) -> None:
    owner = Api(acme.people["owner"])
    made = owner.post("tokens", {"name": "deploy", "tenant": "acme", "scopes": ["write"]}).json()
    assert (last().action, last().kind, last().tenant) == ("create", "token", acme.tenant)
    assert last().changes["scopes"] == [None, ["write"]]
    assert made["token"].rpartition("_")[2] not in str(last().changes)
    assert last().changes["digest"] == [log.HIDDEN, log.HIDDEN]
    owner.delete(f"tokens/{made['id']}")
    assert (last().action, last().kind, last().tenant) == ("delete", "token", acme.tenant)


def test_tokens_that_end_with_a_role_are_in_the_log(acme: World) -> None:
    viewer = acme.people["viewer"]
    token, _ = tokens.create(viewer, "w", "read", tenant=acme.tenant)
    Api(acme.people["owner"]).delete(f"people/{acme.membership('viewer').public_id}")
    ended = Entry.objects.filter(action="delete", actor="owner@example.com")
    assert set(ended.values_list("kind", "key")) == {
        ("token", str(token)),
        ("membership", "viewer@example.com in acme: viewer"),
    }


def test_signing_a_phone_out_is_in_the_log(acme: World, as_admin: Api) -> None:
    as_admin.delete(f"registrations/{acme.binding.binding_id}")
    made = last()
    assert (made.action, made.kind, made.key) == ("sign out", "binding", str(acme.binding))
    assert (made.actor, made.tenant) == ("admin@example.com", acme.tenant)


def test_imported_users_are_in_the_log(acme: World) -> None:
    rows = [imports.NewSubscriber(f"u{n}", f"password {n}") for n in range(log.BATCH + 1)]
    imports.create_subscribers(acme.domain, rows)
    made = Entry.objects.filter(action="create", kind="user", key__startswith="u")
    assert made.count() == len(rows)
    assert made.get(key="u7@example.com").tenant == acme.tenant
    assert "password" not in str(list(made.values("changes")[:1]))


def test_roles_given_in_djangos_admin_are_in_the_log(acme: World, operator: Person) -> None:
    change = reverse("admin:tenants_tenant_change", args=[acme.tenant.pk])
    viewer, new = acme.membership("viewer"), make_person("new@example.org")
    form = {
        **{"name": "Acme", "slug": "acme", "enabled": "on", "memberships-TOTAL_FORMS": 2},
        **{"memberships-INITIAL_FORMS": 1, "memberships-0-id": viewer.pk},
        **{"memberships-0-tenant": acme.tenant.pk, "memberships-0-person": viewer.person_id},
        **{"memberships-0-role": "admin", "memberships-1-tenant": acme.tenant.pk},
        **{"memberships-1-person": new.pk, "memberships-1-role": "viewer"},
    }
    client = Client()
    client.force_login(operator, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.post(change, form, secure=True).status_code == 302
    made = Entry.objects.filter(kind="membership", actor=operator.email).order_by("pk")
    assert [(each.action, each.changes["role"]) for each in made] == [
        ("change", ["viewer", "admin"]),
        ("create", [None, "viewer"]),
    ]
    owner = acme.membership("owner")
    last_owner = {"memberships-0-id": owner.pk, "memberships-0-person": owner.person_id}
    refused = client.post(change, form | last_owner | {"memberships-1-person": ""}, secure=True)
    assert refused.status_code == 200
    assert "A tenant needs an owner" in refused.content.decode()


def test_old_entries_are_forgotten(acme: World) -> None:
    amount = Entry.objects.count()
    Entry.objects.create(
        at=timezone.now() - timedelta(days=731), actor="x", via="cli", action="change", kind="x"
    )
    assert housekeeping.forget_audit() == 1
    assert Entry.objects.count() == amount
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
        Entry.objects.all().delete()


def test_log_is_filtered_and_exported(acme: World, as_admin: Api) -> None:
    as_admin.patch("users/alice@example.com", {"display_name": "=1+1"})
    answer = as_admin.get("audit?kind=user&action=change&via=api").json()
    (shown,) = answer["results"]
    assert shown["changes"] == {"display_name": ["Alice", "=1+1"]}
    assert shown["tenant"] == "acme"
    assert as_admin.get("audit?until=2020-01-01T00:00:00Z").json()["results"] == []
    for query in ("since=yesterday", "since=2020-01-01", "via=pigeon"):
        refused = as_admin.get(f"audit?{query}")
        assert refused.status_code == 400
        assert [each["field"] for each in refused.json()["errors"]] == [query.partition("=")[0]]
    export = as_admin.get("audit/export?kind=user&action=change")
    lines = b"".join(export.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("id,at,tenant,actor")
    assert as_admin.delete(f"audit/{shown['id']}").status_code == 405
