"""fedsip domain"""

from __future__ import annotations

import pytest

from fedsip_platform.directory.models import Domain
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_a_name_is_kept_in_its_normal_form(acme: Fedsip) -> None:
    made = acme("domain", "add", "Bücher.Example.", "--tenant", "acme", "--json")
    assert made.json["name"] == "xn--bcher-kva.example"
    assert acme("domain", "show", "bücher.example", "--json").json["tenant"] == "acme"


def test_add_with_policies(acme: Fedsip) -> None:
    words = ("--policy", "require_tls=on", "--policy", "max-contacts=3")
    acme("domain", "add", "two.example", "--tenant", "acme", *words)
    domain = Domain.objects.get(name="two.example")
    assert (domain.require_tls, domain.max_contacts) == (True, 3)


def test_list_of_one_tenant(acme: Fedsip) -> None:
    acme("tenant", "add", "other")
    assert acme("domain", "list", "--tenant", "other", "--json").json == []
    [row] = acme("domain", "list", "--tenant", "acme", "--json").json
    assert (row["name"], row["users"]) == ("example.com", 0)


def test_set_changes_what_it_says(acme: Fedsip) -> None:
    outcome = acme("domain", "set", "example.com", "media_policy=auto", "max_subscribers=none")
    assert outcome.said == "domain example.com has media_policy=auto, max_subscribers=- now.\n"
    assert Domain.objects.get().media_policy == "auto"


def test_show_has_every_policy(acme: Fedsip) -> None:
    shown = {line.split()[0] for line in acme("domain", "show", "example.com").said.splitlines()}
    assert {"name", "tenant", "enabled", "federation", "srtp", "min_expires"} <= shown


def test_delete_asks_first(acme: Fedsip) -> None:
    acme("user", "add", "alice@example.com", "--generate")
    refused = acme("domain", "delete", "example.com")
    assert refused.code == 1
    assert "Delete example.com with its 1 users and their rules? Say --yes" in refused.complained
    assert acme("domain", "delete", "example.com", "--yes").code == 0
    assert not Domain.objects.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "example.com", "--tenant", "acme"), "This domain is taken already."),
        (("add", "exa mple", "--tenant", "acme"), "This is no domain name"),
        (("add", "sip:example.com", "--tenant", "acme"), "Type only the name"),
        (("add", "x.example", "--tenant", "nobody"), "there is no tenant nobody."),
        (("set", "example.com", "srtp"), "srtp is no policy=value"),
        (("set", "example.com", "colour=red"), "there is no policy colour; there are enabled"),
        (("set", "example.com", "enabled=maybe"), "enabled is on or off, not 'maybe'."),
        (("set", "example.com", "max_contacts=many"), "max_contacts is a number, not 'many'."),
        (("set", "example.com", "media_policy=often"), "Value 'often' is not a valid choice."),
        (("set", "example.com", "min_expires=9000"), "Shortest, default and longest"),
        (("show", "exmaple.com"), "there is no domain exmaple.com here; did you mean"),
        (("delete", "nowhere.test", "--yes"), "there is no domain nowhere.test here."),
    ],
)
def test_errors_are_sentences(acme: Fedsip, words: tuple[str, ...], sentence: str) -> None:
    outcome = acme("domain", *words)
    assert outcome.complained.startswith(f"fedsip: {sentence}")
    assert outcome.complained.count("\n") == 1
    assert (outcome.said, outcome.code) == ("", 1)
