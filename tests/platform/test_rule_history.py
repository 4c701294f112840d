"""A rule's past: read from the audit log, shown, and brought back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from fedsip_platform.audit.models import Entry
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import history, services
from fedsip_platform.directory.models import Translation
from tests.platform.browsing import Visitor
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PAGE = "/t/acme/routing/of"
FIRST = {"match_regex": "^1000$", "tran_user": "eric", "priority": 99, "valid_until": None}
SECOND = {
    "match_regex": "^2000$",
    "tran_user": "bob",
    "priority": 5,
    "valid_until": datetime(2031, 5, 4, 12, 30, tzinfo=UTC),
}


def values(rule: Translation) -> dict[str, object]:
    rule.refresh_from_db()
    return {name: getattr(rule, name) for name in FIRST}


def entries(rule: Translation) -> list[Entry]:
    return list(Entry.objects.filter(thing=rule.public_id).order_by("pk"))


def test_each_state_can_come_back(acme: World) -> None:
    services.update_translation(acme.rule, **SECOND)
    services.update_translation(acme.rule, tran_user="carol", note="third")
    made, changed, _ = entries(acme.rule)
    history.restore(acme.domain, made)
    assert values(acme.rule) == FIRST
    assert acme.rule.note == ""
    history.restore(acme.domain, changed)
    assert values(acme.rule) == SECOND
    last = entries(acme.rule)[-1]
    assert (last.action, last.changes["tran_user"]) == ("change", ["eric", "bob"])


def test_a_deleted_rule_comes_back_once_more(acme: World) -> None:
    services.update_translation(acme.rule, **SECOND)
    services.delete_translation(acme.rule)
    made, _, deleted = entries(acme.rule)
    again = history.restore(acme.domain, deleted)
    assert values(again) == SECOND
    assert again.public_id != acme.rule.public_id
    with pytest.raises(ServiceError, match="deleted"):
        history.restore(acme.domain, made)


def test_what_does_not_hold_any_more_is_refused(acme: World) -> None:
    services.update_translation(acme.rule, tran_trunk="carrier")
    _, by_trunk = entries(acme.rule)
    services.update_translation(acme.rule, tran_trunk="")
    acme.routes["trunks"].delete()
    with pytest.raises(ServiceError, match="The domain has no trunk carrier"):
        history.restore(acme.domain, by_trunk)
    assert values(acme.rule) == FIRST


def test_the_page_shows_and_restores(acme: World, rival: World) -> None:
    services.update_translation(acme.rule, match_regex="<b>2", tran_user="bob")
    services.update_translation(rival.rule, match_regex="rivals")
    admin = Visitor(acme.people["admin"])
    page = admin.reads(f"{PAGE}/{acme.domain.public_id}/history?rule={acme.rule.public_id}")
    assert b"<b>2" not in admin.answer.content
    assert "rivals" not in page
    assert page.count("As it was then</button>") == 2
    made = entries(acme.rule)[0]
    admin.sends(f"{PAGE}/{acme.domain.public_id}/history/{made.public_id}/restore")
    assert values(acme.rule) == FIRST
    services.delete_translation(acme.rule)
    assert "Bring it back" in admin.reads(f"{PAGE}/{acme.domain.public_id}/history?rule=x")
    theirs = entries(rival.rule)[0]
    admin.sends(f"{PAGE}/{acme.domain.public_id}/history/{theirs.public_id}/restore")
    assert admin.status == 404
