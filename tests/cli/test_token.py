"""fedsip token"""

from __future__ import annotations

import pytest

from fedsip_platform.api import tokens
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db

ANN = "ann@example.org"


@pytest.fixture
def ann(acme: Fedsip) -> Fedsip:
    """Somebody who may have tokens."""
    assert acme("admin", "add", ANN, "--tenant", "acme", "--generate").code == 0
    return acme


def test_made_listed_and_withdrawn(ann: Fedsip) -> None:
    scopes = ("--scope", "users:write", "--scope", "calls:read")
    words = ("token", "add", ANN, "deploy", *scopes, "--tenant", "acme", "--days", "30", "--json")
    made = ann(*words).json
    found = tokens.find(made["token"])
    assert found is not None
    assert found.scopes == ["calls:read", "users:write"]
    (listed,) = ann("token", "list", "--person", ANN, "--json").json
    assert (listed["prefix"], listed["tenant"], "token" in listed) == (found.prefix, "acme", False)
    said = ann("token", "withdraw", f"fedsip_{found.prefix}").said
    assert said == f"deploy of {ANN} is withdrawn.\n"
    assert tokens.find(made["token"]) is None


def test_errors_are_sentences(ann: Fedsip) -> None:
    late = ann("token", "add", ANN, "x", "--days", "-1")
    assert (late.code, late.complained) == (1, "fedsip: This is in the past.\n")
    unknown = ann("token", "withdraw", "fedsip_x")
    assert "there is no token fedsip_x" in unknown.complained
