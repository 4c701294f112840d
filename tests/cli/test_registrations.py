"""fedsip registrations"""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.location.models import Binding
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def _registers(contact: str, *, seconds: int = 600, deleted: bool = False) -> None:
    alice = Subscriber.objects.get(username="alice")
    now = timezone.now()
    Binding.objects.create(
        binding_id=contact,
        aor=alice.aor,
        domain=alice.domain,
        subscriber=alice,
        contact=contact,
        contact_key=contact,
        expires_at=now + timedelta(seconds=seconds),
        node_id="a",
        protocol="udp",
        received="192.0.2.7:5060",
        registered_at=now,
        updated_at=now,
        deleted=deleted,
    )


@pytest.fixture
def phones(acme: Fedsip) -> Fedsip:
    acme("user", "add", "alice@example.com", "--generate")
    _registers("sip:alice@192.0.2.7")
    _registers("sip:alice@192.0.2.8")
    _registers("sip:alice@192.0.2.9", seconds=-1)
    _registers("sip:alice@192.0.2.10", deleted=True)
    return acme


def test_the_bare_word_lists_what_is_in_force(phones: Fedsip) -> None:
    contacts = [row["contact"] for row in phones("registrations", "--json").json]
    assert contacts == ["sip:alice@192.0.2.7", "sip:alice@192.0.2.8"]
    assert phones("registrations").said.splitlines()[0].split()[:3] == ["USER", "CONTACT", "BY"]


def test_filters(phones: Fedsip) -> None:
    phones("domain", "add", "two.example", "--tenant", "acme")
    assert phones("registrations", "list", "--domain", "two.example", "--json").json == []
    of_user = phones("registrations", "list", "--user", "alice@example.com", "--json").json
    assert len(of_user) == 2


def test_drop_leaves_a_tombstone_for_the_proxies(phones: Fedsip) -> None:
    words = ("drop", "alice@example.com", "--contact", "sip:alice@192.0.2.7")
    assert phones("registrations", *words).said == "1 registration of alice@example.com dropped.\n"
    assert Binding.objects.get(binding_id="sip:alice@192.0.2.7").deleted
    assert phones("registrations", "drop", "alice@example.com", "--json").json["dropped"] == 2
    assert phones("registrations", "--json").json == []


def test_nothing_to_drop_is_an_error(phones: Fedsip) -> None:
    outcome = phones("registrations", "drop", "bob@example.com")
    assert outcome.complained == "fedsip: bob@example.com has no such registration.\n"
    assert outcome.code == 1
