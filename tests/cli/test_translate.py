"""fedsip translate"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_a_call_is_told_step_by_step(acme: Fedsip) -> None:
    acme("domain", "set", "example.com", "e164=on", "e164_country=US")
    acme("rule", "add", "example.com", "match_regex=^2", "note=twos")
    words = (r"match_regex=^\+1800", "tran_strip=1", "tran_domain=192.0.2.9", "note=toll-free")
    acme("rule", "add", "example.com", *words)
    said = acme("translate", "alice@example.com", "18005551212").said.splitlines()
    assert said == [
        "dialled sip:18005551212@example.com",
        "a number of the domain's country: sip:+18005551212@example.com",
        " -   99 twos: ^2 is not found in the called user",
        " *   99 toll-free: makes sip:18005551212@192.0.2.9",
        "becomes sip:18005551212@192.0.2.9",
        "The host is none of ours: the call leaves.",
        "sip:18005551212@192.0.2.9",
        "    udp  192.0.2.9:5060",
    ]


def test_what_becomes_of_from_and_of_the_header_is_told(acme: Fedsip) -> None:
    words = ("match_regex=^1", "tran_from_user=+15550100", "tran_from_display=Shop", "note=shop")
    acme("rule", "add", "example.com", *words, "tran_add_header=X-A: 1", "tran_remove_header=X-B")
    said = acme("translate", "alice@example.com", "1000").said.splitlines()
    assert said[1:6] == [
        " *   99 shop: makes sip:1000@example.com",
        "        From user becomes +15550100",
        "        From display name becomes Shop",
        "        adds x-a: 1",
        "        removes x-b",
    ]
    [rule] = acme("translate", "alice@example.com", "1000", "--json").json["rules"]
    assert (rule["from_user"], rule["from_display"]) == ("+15550100", "Shop")
    [rule] = acme("translate", "alice@example.com", "2000", "--json").json["rules"]
    assert (rule["from_user"], rule["from_display"], rule["added"]) == ("", "", [])


def test_a_rule_for_a_kind_of_phone(acme: Fedsip) -> None:
    acme("rule", "add", "example.com", "match_user_agent=Bria", "tran_user=eric", "priority=1")
    words = ("translate", "alice@example.com", "2000", "--json", "--user-agent")
    assert acme(*words, "Bria Android 3.2.4").json["request_uri"] == "sip:eric@example.com"
    other = acme(*words, "Grandstream GXV3275").json
    assert other["request_uri"] == "sip:2000@example.com"
    assert "the phone is no Bria" in [rule["reason"] for rule in other["rules"]]


def test_hours_are_those_of_the_domain(acme: Fedsip) -> None:
    acme("domain", "set", "example.com", "time_zone=America/New_York")
    acme("rule", "add", "example.com", "hours=Thu 18:00-19:00", "tran_user=night")
    words = ("translate", "alice@example.com", "1000", "--json", "--at")
    assert acme(*words, "2026-12-24T18:30").json["request_uri"] == "sip:night@example.com"
    assert acme(*words, "2026-12-24T18:30+00:00").json["request_uri"] == "sip:1000@example.com"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("alice", "1"), "alice is no address"),
        (("alice@nowhere.test", "1"), "there is no domain nowhere.test here."),
        (("alice@example.com", "1", "--at", "noon"), "noon is no time such as"),
        (("alice@example.com", "sip:example.com"), "sip:example.com has no user to call."),
    ],
)
def test_errors_are_sentences(acme: Fedsip, words: tuple[str, ...], sentence: str) -> None:
    outcome = acme("translate", *words)
    assert outcome.complained.startswith(f"fedsip: {sentence}")
    assert (outcome.said, outcome.code) == ("", 1)
