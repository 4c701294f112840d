"""fedsip import and export"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError

from fedsip_platform.audit.models import Entry
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.tenants.models import Tenant
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_rules_go_out_and_come_in(acme: Fedsip, tmp_path: Path, how: tuple[str, ...]) -> None:
    words = (r"match_regex=^(\d+)$", r"tran_user=\1", r"tran_add_header=X-A: 1\nX-B: 2")
    acme("rule", "add", "example.com", *words, "hours=Mon 08:00-09:00", "enabled=off")
    acme("rule", "add", "example.com", "match_regex==x", "valid_until=2030-01-01T00:00:00Z")
    before = [rule | {"id": 0} for rule in acme("rule", "list", "--json").json]
    path = tmp_path / "rules"
    path.write_text(acme("export", "example.com", *how).said)
    Translation.objects.all().delete()
    said = acme("import", str(path), "--tenant", "acme").said
    assert said == "2 of translations imported.\n"
    assert [rule | {"id": 0} for rule in acme("rule", "list", "--json").json] == before
    assert acme("import", str(path), "--tenant", "acme").said == (
        "nothing imported; 2 were here already.\n"
    )


def test_users_go_out_with_their_hashes_only_where_asked(acme: Fedsip, tmp_path: Path) -> None:
    acme("user", "add", "alice@example.com", "--generate")
    without = acme("export", "example.com", "--table", "subscriber", "--json").json
    assert [(row["username"], row["domain"]) for row in without] == [("alice", "example.com")]
    assert "ha1" not in without[0]
    path = tmp_path / "users.csv"
    said = acme("export", "example.com", "--table", "subscriber", "--with-ha1").said
    path.write_text(said)
    before = Subscriber.objects.values_list("ha1_md5", "ha1_sha256").get()
    assert Entry.objects.filter(action="export hashes", key="example.com").count() == 1
    Subscriber.objects.all().delete()
    assert acme("import", str(path), "--tenant", "acme").said == "1 of subscriber imported.\n"
    assert Subscriber.objects.values_list("ha1_md5", "ha1_sha256").get() == before
    refused = acme("export", "example.com", "--with-ha1").complained
    assert refused == "fedsip: only users have an HA1; say --table subscriber.\n"


def test_each_bad_row_is_named(acme: Fedsip, tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "x", "domain": "example.com", "ha1": "?"}]))
    refused = acme("import", str(path), "--tenant", "acme")
    assert refused.complained.splitlines() == [
        "subscriber row 1 ha1: There is neither a password nor an HA1 of 32 hex digits.",
        "fedsip: nothing was imported: 1 problems.",
    ]
    assert refused.code == 1


def test_the_good_rows_come_in_where_that_is_wanted(acme: Fedsip, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text("username,domain,password\nx,example.com,a long one\ny,example.com,\n")
    said = acme("import", str(path), "--tenant", "acme", "--skip-bad")
    assert said.said == "1 of subscriber imported; 1 problems, see above.\n"
    reason = "There is neither a password nor an HA1 of 32 hex digits."
    assert said.complained == f"subscriber row 2 ha1: {reason}\n"
    row = acme("import", str(path), "--tenant", "acme", "--skip-bad", "--json").json
    assert (row["made"], row["known"]) == ({}, 1)
    assert row["problems"] == [{"row": "subscriber row 2 ha1", "reason": reason}]
    path.write_text("username,domain,password\ny,example.com,\n")
    refused = acme("import", str(path), "--tenant", "acme", "--skip-bad")
    assert refused.complained.splitlines()[1] == "fedsip: nothing was imported: 1 problems."


def test_the_owner_is_made_with_the_rest_or_not_at_all(acme: Fedsip, tmp_path: Path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("domain\nmoved.example\nmoved example\n")
    bring_in = ("import", str(path), "--table", "domain", "--new-tenant", "new")
    assert acme(*bring_in).code == 1
    path.write_text("domain\nmoved.example\n")
    assert acme(*bring_in, "--dry-run").said == "1 of domain would be imported.\n"
    assert not Tenant.objects.filter(slug="new").exists()
    assert acme(*bring_in).said == "1 of domain imported.\n"
    assert Domain.objects.get(name="moved.example").tenant.slug == "new"
    assert acme(*bring_in).complained == "fedsip: Tenant with this Slug already exists.\n"
    with pytest.raises(CommandError, match="--tenant: not allowed with argument --new-tenant"):
        acme(*bring_in, "--tenant", "acme")
    with pytest.raises(
        CommandError, match="one of the arguments --tenant --new-tenant is required"
    ):
        acme("import", str(path))


def test_files_that_say_nothing(acme: Fedsip, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("domain\n")
    assert "there are no rows of" in acme("import", str(empty), "--tenant", "acme").complained
    gone = acme("import", str(tmp_path / "gone"), "--tenant", "acme")
    assert "cannot be read: No such file or directory." in gone.complained
