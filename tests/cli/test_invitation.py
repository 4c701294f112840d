"""fedsip invitation"""

from __future__ import annotations

import pytest

from fedsip_platform.tasks.models import Letter
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db

TO = ("ann@example.org", "--tenant", "acme")
URL = ("--url", "https://sip.example.com:8443")


def test_a_letter_goes_out_and_can_be_withdrawn(acme: Fedsip) -> None:
    made = acme("invitation", "add", *TO, "--role", "admin", *URL, "--json").json
    assert made["link"].startswith("https://sip.example.com:8443/")
    assert made["link"] in Letter.objects.get().body
    listed = acme("invitation", "list", "--tenant", "acme", "--json").json
    assert [(one["email"], one["role"]) for one in listed] == [("ann@example.org", "admin")]
    assert "link" not in listed[0]
    said = acme("invitation", "withdraw", *TO).said
    assert said == "the invitation of ann@example.org is withdrawn.\n"
    assert acme("invitation", "list").said == "(none)\n"


def test_a_user_becomes_somebodys_own(acme: Fedsip) -> None:
    acme("user", "add", "ann@example.com", "--generate")
    made = acme("invitation", "add", *TO, "--user", "ann@example.com", *URL, "--json").json
    assert (made["user"], made["role"]) == ("ann@example.com", "")


def test_errors_are_sentences(acme: Fedsip) -> None:
    nothing = acme("invitation", "add", *TO, *URL)
    assert (nothing.code, "say --role, --user or both" in nothing.complained) == (1, True)
    nobody = acme("invitation", "withdraw", *TO)
    assert (nobody.code, "nobody waits to join acme" in nobody.complained) == (1, True)
