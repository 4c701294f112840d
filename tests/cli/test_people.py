"""fedsip people"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db

EMAIL = "ann@example.org"


@pytest.fixture
def ann(acme: Fedsip) -> Fedsip:
    """Somebody who looks after acme, and somebody who owns it."""
    for email, role in ((EMAIL, "viewer"), ("owner@example.org", "owner")):
        assert (
            acme("admin", "add", email, "--tenant", "acme", "--role", role, "--generate").code == 0
        )
    return acme


def test_roles_are_given_and_taken(ann: Fedsip) -> None:
    made = ann("people", "role", EMAIL, "admin", "--tenant", "acme")
    assert made.said == f"{EMAIL} is admin of acme now.\n"
    listed = ann("people", "list", "--tenant", "acme", "--json").json
    assert {one["email"]: one["role"] for one in listed} == {
        EMAIL: "admin",
        "owner@example.org": "owner",
    }
    gone = ann("people", "remove", EMAIL, "--tenant", "acme", "--json").json
    assert (gone["email"], gone["tenant"]) == (EMAIL, "acme")
    assert EMAIL not in ann("people", "list").said


def test_errors_are_sentences(ann: Fedsip) -> None:
    alone = ann("people", "remove", "owner@example.org", "--tenant", "acme")
    assert (alone.code, "needs an owner" in alone.complained) == (1, True)
    nobody = ann("people", "role", "nobody@example.org", "admin", "--tenant", "acme")
    assert (nobody.code, "nobody signs in as" in nobody.complained) == (1, True)
    ann("people", "remove", EMAIL, "--tenant", "acme")
    again = ann("people", "remove", EMAIL, "--tenant", "acme")
    assert again.complained == f"fedsip: {EMAIL} does not belong to acme.\n"
