"""People, limits and the audit log of a tenant, in pages."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from fedsip_platform.audit.models import Entry
from fedsip_platform.calls import services as calls
from fedsip_platform.directory import services
from fedsip_platform.people.models import Invitation
from fedsip_platform.tenants import usage
from fedsip_platform.tenants.models import Membership, Person
from tests.platform.browsing import Visitor
from tests.platform.world import World, make_call, make_live_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/settings/"


@pytest.fixture
def owner(acme: World) -> Visitor:
    return Visitor(acme.people["owner"])


def test_an_invitation_is_sent_and_its_link_shown_once(acme: World, owner: Visitor) -> None:
    page = owner.sends(PAGE, email="Newcomer@Example.org", role="admin")
    made = Invitation.objects.get(email="newcomer@example.org")
    assert made.invited_by == acme.people["owner"]
    link = page.partition('<code id="secret">')[2].partition("<")[0]
    assert link.startswith("https://testserver/invitation/")
    assert owner.answer is not None
    assert owner.answer["Cache-Control"] == "no-store"
    assert "Join Acme" in owner.reads(link.removeprefix("https://testserver"))
    assert link not in owner.reads(PAGE)
    assert "newcomer@example.org" in owner.shown
    owner.sends(f"/t/acme/settings/invitations/{made.public_id}/withdraw")
    assert "does not work any more" in owner.reads(link.removeprefix("https://testserver"))
    assert mail.outbox == []  # letters are the worker's


def test_roles_change_and_the_last_owner_stays(acme: World, owner: Visitor) -> None:
    viewer, last = acme.membership("viewer"), acme.membership("owner")
    owner.sends(f"{PAGE}people/{viewer.public_id}/role", role="admin")
    assert Membership.objects.get(pk=viewer.pk).role == "admin"
    for wrong in ("viewer", "king", ""):
        owner.sends(f"{PAGE}people/{last.public_id}/role", role=wrong)
        assert Membership.objects.get(pk=last.pk).role == "owner"
    owner.sends(f"{PAGE}people/{last.public_id}/remove")
    assert owner.problems == ["A tenant needs an owner: make somebody else one first."]
    owner.sends(f"{PAGE}people/{viewer.public_id}/remove")
    assert not Membership.objects.filter(pk=viewer.pk).exists()


def test_who_has_a_role_already_is_not_invited(acme: World, owner: Visitor) -> None:
    owner.sends(PAGE, email="viewer@example.com", role="admin")
    assert owner.problems == ["viewer@example.com belongs to acme already."]
    owner.sends(PAGE, email="no address", role="emperor")
    assert len(owner.problems) == 2


def test_others_see_people_and_no_letters(acme: World) -> None:
    for role in ("admin", "viewer"):
        page = Visitor(acme.people[role]).reads(PAGE)
        assert "owner@example.com" in page
        assert "new@example.com" not in page  # who is invited is the owners' business
        assert "Send the letter" not in page


def test_limits_say_what_is_used(acme: World, owner: Visitor) -> None:
    services.update_tenant(acme.tenant, max_subscribers=1, max_rules=4)
    page = owner.reads(f"{PAGE}limits")
    assert "full" in page
    assert 'aria-label="25 %"' in page
    owner.sends(f"{PAGE}limits", name="Acme Two", require_mfa="on", max_rules="99")
    acme.tenant.refresh_from_db()
    assert (acme.tenant.name, acme.tenant.require_mfa) == ("Acme Two", True)
    assert acme.tenant.max_rules == 4  # the operator's to say


def test_changes_are_found_by_person_thing_kind_and_day(acme: World, rival: World) -> None:
    viewer = Visitor(acme.people["viewer"])
    services.update_domain(acme.domain, note="=1+1")
    page = viewer.reads("/t/acme/settings/audit?kind=domain&q=example.com")
    assert "changed the domain" in page
    assert "=1+1" in page
    assert "example.net" not in page
    for query in (
        "q=nobody",
        "kind=%00",
        "via=cli",
        "from=2999-01-01",
        "to=1999-01-01",
        "at=x&q=z",
    ):
        assert "No change is like that" in viewer.reads(f"/t/acme/settings/audit?{query}"), query
    assert "No change" not in viewer.reads("/t/acme/settings/audit?from=never&to=13")


def test_changes_are_taken_home_as_a_table(acme: World, rival: World) -> None:
    services.set_password(acme.user, "another good password")
    text = Visitor(acme.people["viewer"]).reads("/t/acme/settings/audit.csv?kind=user")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["tenant"] for row in rows} == {"acme"}
    assert len(rows) == Entry.objects.filter(tenant=acme.tenant, kind="user").count()
    assert "(secret)" in rows[0]["changes"]
    assert "password" in rows[0]["changes"]


def test_operators_see_also_the_changes_of_no_tenant(acme: World, operator: Person) -> None:
    calls.block("203.0.113.7")
    visitor = Visitor(operator)
    shown = visitor.reads("/platform/audit")
    assert "203.0.113.7" in shown
    assert "alice@example.com" in shown
    assert "203.0.113.7" not in visitor.reads("/platform/audit?tenant=acme")
    of_nobody = visitor.reads("/platform/audit?tenant=-")
    assert "203.0.113.7" in of_nobody
    assert "alice@example.com" not in of_nobody
    assert "203.0.113.7" in visitor.reads("/platform/audit.csv?tenant=-")


def test_the_busiest_second_is_told(acme: World, owner: Visitor) -> None:
    second = timezone.now().replace(microsecond=0) - timedelta(seconds=20)
    for number in range(3):
        began = second + timedelta(milliseconds=100 * number)
        make_call(acme.tenant, acme.domain, call_id=f"c{number}", started_at=began)
    make_live_call(acme.tenant, acme.domain, call_id="l", started_at=second)
    make_call(acme.tenant, acme.domain, call_id="x", started_at=second - timedelta(seconds=5))
    assert usage.busiest_second(acme.tenant, now=timezone.now()) == 4
    later = timezone.now() + timedelta(minutes=2)
    assert usage.busiest_second(acme.tenant, now=later) == 0
