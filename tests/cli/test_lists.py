"""Lists at the command line: the filters of the API, CSV, JSON by the line; what rules would do."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from fedsip_platform.calls.models import CallRecord, RegistrationSample
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.federation.models import DomainCheck
from fedsip_platform.tenants.models import Tenant
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


@pytest.fixture
def called(acme: Fedsip) -> Fedsip:
    """alice has called 1000, which was answered, and 2000, which was not."""
    acme("user", "add", "alice@example.com", "--generate")
    now = timezone.now()
    tenant, domain = Tenant.objects.get(), Domain.objects.get()
    for dialled, status, answered_at in (("1000", 200, now), ("2000", 503, None)):
        CallRecord.objects.create(
            call_id=dialled,
            tenant=tenant,
            domain=domain,
            caller="sip:alice@example.com",
            callee=f"sip:{dialled}@example.com",
            request_uri=f"sip:{dialled}@example.com",
            started_at=now - timedelta(seconds=5),
            answered_at=answered_at,
            ended_at=now,
            status=status,
        )
    return acme


def test_calls_by_the_filters_of_the_api(called: Fedsip) -> None:
    for words, ids in (
        (("--result", "failed"), ["2000"]),
        (("--status", "200"), ["1000"]),
        (("--since", "2020-01-01T00:00:00Z", "--answered", "false"), ["2000"]),
        (("--until", "2020-01-01T00:00:00Z"), []),
        (("--domain", "example.com", "--call-id", "1000"), ["1000"]),
        (("--trunk", "none@example.com"), []),
    ):
        assert [row["call_id"] for row in called("calls", "list", *words, "--json").json] == ids
    for words in (
        ("--since", "yesterday"),
        ("--status", "x"),
        ("--rule", "x"),
        ("--answered", "x"),
    ):
        refused = called("calls", "list", *words)
        assert refused.code == 1
        assert refused.complained.startswith(f"fedsip: {words[0]}: ")
        assert refused.complained.count("\n") == 1


def test_calls_as_csv_and_by_the_line(called: Fedsip) -> None:
    rows = list(csv.DictReader(io.StringIO(called("calls", "export").said)))
    assert {row["call_id"] for row in rows} == {"1000", "2000"}
    lines = called("calls", "export", "--result", "answered", "--json").said.splitlines()
    assert [json.loads(line)["call_id"] for line in lines] == ["1000"]


def test_calls_by_hour(called: Fedsip) -> None:
    hours = called("calls", "by-hour", "--json").json
    assert sum(hour["answered"] for hour in hours) == 1
    assert sum(hour["failed"] for hour in hours) == 1
    assert "ANSWERED" in called("calls", "by-hour", "--domain", "example.com").said
    refused = called("calls", "by-hour", "--since", "2020-01-01T00:00:00Z")
    assert refused.complained == "fedsip: --since must be before --until, at most 31 days.\n"
    assert called("calls", "by-hour", "--until", "soon").code == 1


def test_the_audit_log_by_dates_and_as_csv(called: Fedsip) -> None:
    assert called("audit", "--until", "2020-01-01T00:00:00Z").said == "(none)\n"
    since = ("--since", "2020-01-01T00:00:00Z", "--kind", "user")
    (made,) = called("audit", "list", *since, "--json").json
    assert (made["action"], made["key"]) == ("create", "alice@example.com")
    (row,) = csv.DictReader(io.StringIO(called("audit", "export", *since).said))
    assert (row["kind"], row["action"]) == ("user", "create")
    assert called("audit", "--thing", "x").complained == "fedsip: --thing: Give an id.\n"


def test_what_a_rule_would_change(called: Fedsip) -> None:
    words = ("match_regex=^1000$", "tran_user=eric")
    told = called("rule", "effect", "example.com", *words)
    assert told.said.startswith("1 of 2 calls would go elsewhere.\n")
    assert "sip:eric@example.com" in told.said
    assert not Translation.objects.exists()
    rule = called("rule", "add", "example.com", *words, "--json").json
    found = called("rule", "effect", rule["id"], "match_regex=^2000$", "--json").json
    assert (found["calls"], found["amount"]) == (2, 2)
    refused = called("rule", "effect", "example.com", "match_regex=(")
    assert (refused.code, refused.complained.count("\n")) == (1, 1)
    assert called("rule", "effect", "nowhere.example", "tran_user=x").code == 1
    missing = called("rule", "effect", "3f2b8c1e-6a54-4d0b-9a53-1f7c6e0d2b47", "tran_user=x")
    assert missing.complained.startswith("fedsip: there is no rule ")


def test_a_rule_is_brought_back(acme: Fedsip) -> None:
    rule = acme("rule", "add", "example.com", "match_regex=^1$", "tran_user=a", "--json").json
    acme("rule", "set", rule["id"], "tran_user=b")
    changed, made = acme("rule", "history", "example.com", "--json").json
    assert changed["changes"]["tran_user"] == ["a", "b"]
    assert "tran_user: a -> b" in acme("rule", "history", "example.com").said
    assert acme("rule", "restore", made["id"]).code == 0
    assert Translation.objects.get().tran_user == "a"
    assert acme("rule", "restore", rule["id"]).code == 1
    assert acme("rule", "restore", "x").code == 1


def test_users_and_domains_by_the_filters_of_the_api(called: Fedsip) -> None:
    assert [
        each["aor"] for each in called("user", "list", "--standing", "never", "--json").json
    ] == ["alice@example.com"]
    assert called("user", "list", "--standing", "online", "--domain", "Example.com").said == (
        "(none)\n"
    )
    assert called("user", "list", "--q", "bob").said == "(none)\n"
    DomainCheck.objects.create(domain=Domain.objects.get(), state="failing", problems=["No SRV."])
    (domain,) = called("domain", "list", "--check", "failing", "--json").json
    assert domain["name"] == "example.com"
    told = called("tenant", "attention", "acme", "--json").json
    assert "example.com: No SRV." in [each["text"] for each in told]


def test_a_domain_is_vouched_for(acme: Fedsip) -> None:
    Domain.objects.update(vouched=False)
    assert acme("domain", "vouch", "example.com").said == "domain example.com is served now.\n"
    assert Domain.objects.get().vouched


def test_registrations_over_time(acme: Fedsip) -> None:
    RegistrationSample.objects.create(tenant=Tenant.objects.get(), at=timezone.now(), devices=3)
    (sample,) = acme("registrations", "over-time", "--tenant", "acme", "--json").json
    assert sample["devices"] == 3
