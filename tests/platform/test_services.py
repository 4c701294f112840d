"""The writes behind REST, admin and CLI: what they refuse, and what they leave behind."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from fedsip_platform.changes import Conflict, ServiceError
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.location.models import Binding
from fedsip_platform.tenants.models import Tenant
from proxy.sip.digest import ha1 as proxy_ha1
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]


@pytest.mark.parametrize("slug", ["", "A", "a b", "-a", "a-", "a_b", "ä", "a" * 51, "a\n"])
def test_tenant_slug_refused(slug: str) -> None:
    with pytest.raises(ServiceError) as caught:
        services.create_tenant("Name", slug)
    assert caught.value.field == "slug"


def test_tenant_exists_once() -> None:
    services.create_tenant("Acme", "acme")
    with pytest.raises(Conflict) as caught:
        services.create_tenant("Acme", "acme")
    assert caught.value.field == "slug"


def test_all_problems_are_told_at_once(acme: World) -> None:
    with pytest.raises(ServiceError) as caught:
        services.create_domain(acme.tenant, "a_b", media_policy="x", max_contacts=0)
    assert {field for field, _ in caught.value.problems} == {"name", "media_policy", "max_contacts"}


def test_expiry_bounds_must_rise(acme: World) -> None:
    with pytest.raises(ServiceError) as caught:
        services.update_domain(acme.domain, min_expires=4000)
    assert caught.value.reason == "Shortest, default and longest registration must rise."
    assert acme.domain.min_expires == 60  # the refused value does not stay in the object


def test_unknown_fields_are_refused(acme: World) -> None:
    for name in ("id", "public_id", "tenant", "tenant_id", "nonsense", "created_at"):
        with pytest.raises(ServiceError) as caught:
            services.update_domain(acme.domain, **{name: 1})
        assert caught.value.field == name
    for name in ("aor", "ha1_md5", "ha1_sha256"):
        with pytest.raises(ServiceError):
            services.update_subscriber(acme.user, **{name: "x"})


def test_hashes_are_those_that_the_proxy_checks(acme: World) -> None:
    md5, sha256 = services.ha1("alice", "example.com", "pässword")
    words = (b"alice", b"example.com", "pässword".encode())
    assert proxy_ha1(*words, b"MD5") == md5.encode()
    assert proxy_ha1(*words, b"SHA-256") == sha256.encode()


@pytest.mark.parametrize("password", ["alice@example.com", "ALICE@example.com"])
def test_first_guess_is_refused(acme: World, password: str) -> None:
    with pytest.raises(ServiceError) as caught:
        services.set_password(acme.user, password)
    assert caught.value.field == "password"
    assert services.set_password(acme.user, "a new password").ha1_md5


def test_database_itself_refuses_renaming(acme: World) -> None:
    renamings = (
        Subscriber.objects.filter(pk=acme.user.pk).update,
        Domain.objects.filter(pk=acme.domain.pk).update,
    )
    for rename, change in zip(renamings, ({"username": "x"}, {"name": "x.example"}), strict=True):
        with pytest.raises(IntegrityError, match="cannot change"), transaction.atomic():
            rename(**change)


def test_database_itself_refuses_what_is_not_normal(acme: World) -> None:
    for name in ("Example.org", "example.org.", "a b"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Domain.objects.create(tenant=acme.tenant, name=name)
    for aor in ("Bob@example.com", "bob", "a@b@c"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Subscriber.objects.create(domain=acme.domain, username="bob", aor=aor, ha1_md5="0" * 32)
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscriber.objects.create(
            domain=acme.domain, username="bob", aor="bob@example.com", ha1_md5="a password"
        )


def test_deleting_a_tenant_takes_everything(acme: World, rival: World) -> None:
    services.delete_tenant(acme.tenant)
    assert not Tenant.objects.filter(slug="acme").exists()
    assert not Subscriber.objects.filter(aor="alice@example.com").exists()
    acme.binding.refresh_from_db()
    assert acme.binding.deleted
    assert Subscriber.objects.filter(aor="alice@example.net").exists()
    rival.binding.refresh_from_db()
    assert not rival.binding.deleted
    connection.check_constraints()


def test_enabling_again(acme: World) -> None:
    services.disable_subscriber(acme.user)
    assert Binding.objects.get().deleted
    assert services.enable_subscriber(acme.user).enabled
    assert Binding.objects.get().deleted  # the phone has to come back by itself
