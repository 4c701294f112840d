"""The security page of a tenant, and the operators' page of blocks."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from admin_ui.refusals import REASONS
from fedsip_platform.audit.models import Entry
from fedsip_platform.calls import services
from fedsip_platform.calls.models import AllowedSource, BlockedSource, FailedSignIn
from fedsip_platform.directory.models import Domain
from fedsip_platform.federation.models import Refusal
from fedsip_platform.tenants.models import Person
from proxy.directory.federation_rules import Why
from tests.platform.browsing import Visitor
from tests.platform.world import Api, World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/security/"
BLOCKS = "/platform/blocks"


def page(caller: Api, path: str) -> str:
    return caller.get(path).content.decode()


def send(caller: Api, path: str, **fields: str) -> Any:
    return caller._client.post(path, fields, secure=True, follow=True)


def test_a_tenant_sees_who_failed_at_its_own_domains(acme: World, rival: World) -> None:
    FailedSignIn.objects.update(attempts=1234, user_agent="friendly-scanner")
    FailedSignIn.objects.filter(domain=rival.domain).update(address="192.0.2.99")
    services.block("203.0.113.7", evidence="a secret of the platform")
    shown = page(Api(acme.people["viewer"]), PAGE)
    for text in ("alice@example.com", "192.0.2.9<", "1,234", "friendly-scanner"):
        assert text in shown, text
    assert "bad.example" in shown
    assert "a rule denies that domain" in shown
    for text in ("example.net", "192.0.2.99", "203.0.113.7", "secret", BLOCKS):
        assert text not in shown, text


def test_failed_sign_ins_are_counted_by_hour(acme: World) -> None:
    now = timezone.now()
    FailedSignIn.objects.update(attempts=7)
    for hours_ago, attempts in ((3, 5), (40, 11)):
        FailedSignIn.objects.create(
            domain=acme.domain, aor="bob@example.com", address="192.0.2.8", attempts=attempts,
            hour=now - timedelta(hours=hours_ago), last_at=now - timedelta(hours=hours_ago),
        )  # fmt: skip
    shown = page(Api(acme.people["viewer"]), PAGE)
    chart = json.loads(
        shown.partition('id="failures-by-hour"')[2].partition(">")[2].partition("<")[0]
    )
    assert chart["series"][0]["values"][-1] == 7
    assert chart["series"][0]["values"][-4] == 5
    assert sum(chart["series"][0]["values"]) == 12


def tried(acme: World, aor: str, address: str, attempts: int, days_ago: int = 0) -> None:
    at = timezone.now() - timedelta(days=days_ago)
    FailedSignIn.objects.create(
        domain=acme.domain, aor=aor, address=address, attempts=attempts, hour=at, last_at=at
    )


def test_failed_sign_ins_are_counted_by_user_and_by_address(acme: World) -> None:
    """Of the last week, the most tried first."""
    FailedSignIn.objects.all().delete()
    tried(acme, "bob@example.com", "192.0.2.8", 5)
    tried(acme, "bob@example.com", "2001:db8::8", 5)
    tried(acme, "carol@example.com", "192.0.2.8", 20)
    tried(acme, "old@example.com", "192.0.2.7", 99, days_ago=8)
    context = Api(acme.people["viewer"]).get(PAGE).context

    def counted(name: str) -> list[tuple[str, int, int, int]]:
        return [
            (one["name"], one["attempts"], one["others"], one["share"]) for one in context[name]
        ]

    assert counted("by_user") == [("carol@example.com", 20, 1, 100), ("bob@example.com", 10, 2, 50)]
    assert counted("by_address") == [("192.0.2.8", 25, 2, 100), ("2001:db8::8", 5, 1, 20)]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("user=BOB@example.com", {"bob"}),
        ("address=192.0.2.8", {"bob", "carol"}),
        ("address=2001:DB8:0::8", {"dave"}),
        ("address=nowhere", set()),
        ("user=bob@example.com&address=2001:db8::8", set()),
    ],
)
def test_those_of_one_user_or_address_are_chosen(acme: World, asked: str, shown: set[str]) -> None:
    FailedSignIn.objects.all().delete()
    tried(acme, "bob@example.com", "192.0.2.8", 1)
    tried(acme, "carol@example.com", "192.0.2.8", 1)
    tried(acme, "dave@example.com", "2001:db8::8", 1)
    answer = Api(acme.people["viewer"]).get(f"{PAGE}?{asked}")
    assert {row.aor.partition("@")[0] for row in answer.context["page"].rows} == shown
    assert ("No failed sign-in is like that" in answer.content.decode()) is (not shown)


def test_refused_strangers_are_counted_by_domain(acme: World) -> None:
    Refusal.objects.all().delete()
    now = timezone.now()
    for days_ago, peer, why, amount in (
        (0, "spam.example", "denied", 3),
        (1, "spam.example", "denied", 4),
        (2, "spam.example", "no_tls", 1),
        (1, "far.example", "closed", 2),
    ):
        at = now - timedelta(days=days_ago)
        Refusal.objects.create(
            domain=acme.domain, peer=peer, direction="in", why=why, day=at.date(), amount=amount,
            last_at=at,
        )  # fmt: skip
    spam, far = Api(acme.people["viewer"]).get(PAGE).context["refused"]
    assert (spam.peer, spam.amount, spam.last_at) == ("spam.example", 8, now)
    assert [(part["reason"], part["amount"]) for part in spam.parts] == [
        (REASONS["denied"], 7),
        (REASONS["no_tls"], 1),
    ]
    assert (far.peer, far.amount, far.domains) == ("far.example", 2, {"example.com"})


def test_reasons_are_counted_over_all_own_domains(acme: World) -> None:
    """The most first, though none of the domains has the most of it."""
    Refusal.objects.all().delete()
    other = Domain.objects.create(name="second.example", tenant=acme.tenant)
    at = timezone.now()
    for domain, why, amount in (
        (acme.domain, "denied", 3),
        (acme.domain, "no_tls", 4),
        (other, "denied", 3),
    ):
        Refusal.objects.create(
            domain=domain, peer="spam.example", direction="in", why=why, day=at.date(),
            amount=amount, last_at=at,
        )  # fmt: skip
    (spam,) = Api(acme.people["viewer"]).get(PAGE).context["refused"]
    assert [(part["reason"], part["amount"]) for part in spam.parts] == [
        (REASONS["denied"], 6),
        (REASONS["no_tls"], 4),
    ]
    assert spam.domains == {"example.com", "second.example"}


def test_an_operator_comes_from_there_to_block(acme: World, as_operator: Api) -> None:
    FailedSignIn.objects.update(address="2001:db8::8")
    way = f"{BLOCKS}?address=2001%3Adb8%3A%3A8"
    assert way in page(as_operator, PAGE)
    assert 'value="2001:db8::8"' in page(as_operator, way)
    assert BLOCKS not in page(Api(acme.people["owner"]), PAGE)


def test_a_users_page_has_those_of_the_user(acme: World, rival: World) -> None:
    """acme's world has one for alice."""
    shown = Visitor(acme.people["viewer"]).reads(f"/t/acme/users/{acme.user.public_id}")
    listed = shown.partition("Failed sign-ins")[2].partition("</section>")[0]
    found = FailedSignIn.objects.filter(aor=acme.user.aor)
    assert found
    assert all(each.address in listed for each in found)
    found.delete()
    shown = Visitor(acme.people["viewer"]).reads(f"/t/acme/users/{acme.user.public_id}")
    assert "Failed sign-ins" not in shown


def test_many_failed_sign_ins_are_turned_over(acme: World) -> None:
    now = timezone.now()
    for n in range(60):
        FailedSignIn.objects.create(
            domain=acme.domain, aor=f"u{n}@example.com", address="192.0.2.1", hour=now,
            last_at=now - timedelta(hours=n + 1),
        )  # fmt: skip
    first = Api(acme.people["viewer"]).get(PAGE)
    assert "u48@example.com" in first.content.decode()
    assert "u49@example.com" not in first.content.decode()
    second = page(Api(acme.people["viewer"]), f"{PAGE}?at={first.context['page'].next}")
    assert "u49@example.com" in second
    assert "u48@example.com" not in second


def test_nothing_on_record_is_said_so(acme: World) -> None:
    FailedSignIn.objects.all().delete()
    Refusal.objects.all().delete()
    shown = page(Api(acme.people["viewer"]), PAGE)
    assert "No failed sign-ins are on record" in shown
    assert "No refused calls are on record" in shown


def test_every_kind_of_refusal_has_words() -> None:
    assert REASONS.keys() == {why.value for why in Why}


def test_an_operator_blocks_and_unblocks(acme: World, as_operator: Api, operator: Person) -> None:
    assert BLOCKS in page(as_operator, PAGE)
    assert "No address is blocked now" in page(as_operator, BLOCKS)
    shown = send(as_operator, BLOCKS, address=" 2001:DB8::1 ", evidence="<b>guesses</b>").content
    block = services.blocked().get()
    assert (block.address, block.evidence) == ("2001:db8::1", "<b>guesses</b>")
    assert b"&lt;b&gt;guesses" in shown
    assert reverse("block-lift", args=[block.public_id]).encode() in shown
    lifted = send(as_operator, reverse("block-lift", args=[block.public_id]))
    assert b"listen to 2001:db8::1 again" in lifted.content
    assert b"No address is blocked now" in lifted.content
    assert not services.blocked().exists()
    noted = Entry.objects.filter(key="2001:db8::1").values_list("action", "person")
    assert set(noted) == {("create", operator.pk), ("change", operator.pk)}
    assert send(as_operator, reverse("block-lift", args=[block.public_id])).status_code == 404


def test_blocks_of_proxies_are_shown_with_their_evidence_until_they_end(as_operator: Api) -> None:
    now = timezone.now()
    for address, ends in (("203.0.113.8", 1), ("203.0.113.9", -1)):
        BlockedSource.objects.create(
            address=address, reason="scanner", evidence="User-Agent: sipvicious", hits=12,
            node_id="a", blocked_until=now + timedelta(hours=ends),
            first_seen_at=now - timedelta(days=3),
        )  # fmt: skip
    shown = page(as_operator, BLOCKS)
    assert "3\xa0days ago" in shown
    for text in ("203.0.113.8", "an attack tool", "User-Agent: sipvicious", ">12<"):
        assert text in shown, text
    assert "203.0.113.9" not in shown


def test_an_operator_keeps_the_allow_list(as_operator: Api) -> None:
    shown = send(as_operator, reverse("allowed-new"), network="192.0.2.5/24", note="office")
    assert b"192.0.2.0/24" in shown.content
    source = AllowedSource.objects.get()
    again = send(as_operator, reverse("allowed-new"), network="192.0.2.0/24")
    assert b"invalid-feedback" in again.content
    send(as_operator, reverse("allowed-remove", args=[source.public_id]))
    assert not AllowedSource.objects.exists()


def test_what_is_no_address_is_refused_beside_the_field(as_operator: Api) -> None:
    assert b"x is no IP address." in send(as_operator, BLOCKS, address="x").content
    refused = send(as_operator, reverse("allowed-new"), network="x")
    assert b"x is no network" in refused.content
    assert not BlockedSource.objects.exists()
    assert not AllowedSource.objects.exists()
