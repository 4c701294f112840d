"""Moving in: the seed's table, OpenSIPS' and Kamailio's users, from each kind of file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fedsip_platform.audit.models import Entry
from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.moving import going_out, sources, tables
from fedsip_platform.moving.sources import SourceError
from tests.platform.world import World

pytestmark = [pytest.mark.db, pytest.mark.django_db]

HA1 = hashlib.md5(b"bob:moved.example:secret").hexdigest()
SEED = """
CREATE TABLE domain (id INTEGER PRIMARY KEY, domain CHAR(64), last_modified DATETIME);
CREATE TABLE subscriber (id INTEGER PRIMARY KEY, username CHAR(64), domain CHAR(64),
  password CHAR(25), ha1 CHAR(64), ha1b CHAR(64), rpid CHAR(64));
CREATE TABLE translations (id INTEGER PRIMARY KEY, from_domain CHAR(64), from_username CHAR(64),
  match_user_agent CHAR(64), match_regex CHAR(64), tran_priority INT, tran_user CHAR(64),
  tran_strip INT, tran_prefix CHAR(64), tran_domain CHAR(64), tran_port INT, tran_strip_port INT,
  tran_add_header CHAR(255));
INSERT INTO domain VALUES (1, 'moved.example', NULL);
INSERT INTO subscriber VALUES (1, 'bob', 'moved.example', '', '%s', '', NULL);
INSERT INTO translations VALUES (1, 'moved.example', '', '', '^1000$', 10, 'eric', NULL, NULL,
  'workshop.uphreak.com', NULL, NULL, NULL);
INSERT INTO translations VALUES (2, 'moved.example', '', '', '^\\+18[0678]{2}[0-9]{7}$', NULL, NULL,
  1, NULL, 'tf.arctele.com', NULL, 0, 'X-It''s: a; b');
""" % HA1.upper()  # noqa: UP031 -- braces stand in it


@pytest.fixture(params=["sqlite", "dump", "mysql"])
def seed_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "seed"
    if request.param == "sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(SEED)
    elif request.param == "dump":
        path.write_text(SEED)
    else:
        path.write_text(
            "-- MySQL dump 10.19\n"
            + SEED.replace("\\+", "\\\\+").replace("It''s", "It\\'s")
            .replace("TABLE ", "TABLE `", 1)
            .replace("`domain (", "`domain` (")
            .replace("tran_add_header CHAR(255))", "tran_add_header CHAR(255)) ENGINE=InnoDB")
        )  # fmt: skip
    return path


def test_a_federated_sip_site_moves_over(acme: World, seed_file: Path) -> None:
    report = tables.bring_in([sources.read(seed_file)], acme.tenant)
    assert report.problems == []
    assert report.made == {"domain": 1, "subscriber": 1, "translations": 2}
    assert Subscriber.objects.get(aor="bob@moved.example").ha1_md5 == HA1
    first, second = Translation.objects.filter(domain__name="moved.example").order_by("priority")
    assert (first.priority, first.tran_user, first.tran_domain) == (
        10, "eric", "workshop.uphreak.com",
    )  # fmt: skip
    assert (second.priority, second.match_regex) == (99, r"^\+18[0678]{2}[0-9]{7}$")
    assert (second.tran_strip, second.tran_add_header) == (1, "X-It's: a; b")
    again = tables.bring_in([sources.read(seed_file)], acme.tenant)
    assert (again.made, again.known, again.problems) == ({}, 4, [])


def test_nothing_is_half_imported(acme: World, rival: World, tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    rows = [
        {"username": "carol", "domain": "example.com", "ha1": HA1},
        {"username": "Dave", "domain": "example.com", "ha1": HA1},
        {"username": "eve", "domain": "example.net", "ha1": HA1},
        {"username": "frank", "domain": "nowhere.example", "ha1": HA1},
        {"username": "grace", "domain": "example.com", "ha1": "x"},
        {"username": "a b", "domain": "example.com", "ha1": HA1},
    ]
    path.write_text(json.dumps(rows))
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert [(where.rpartition(" ")[0][-5:], reason[:30]) for where, reason in report.problems] == [
        ("row 2", "Its HA1 contains capitals, and"),
        ("row 3", "example.net is not a domain of"),
        ("row 4", "There is no domain 'nowhere.ex"),
        ("row 5", "There is neither a password no"),
        ("row 6", "Use letters, digits and - _ . "),
    ]
    assert not Subscriber.objects.filter(username="carol").exists()


@pytest.mark.parametrize("skips_bad", [False, True])
def test_what_is_wrong_with_all_rows_is_said_once(
    acme: World, tmp_path: Path, skips_bad: bool
) -> None:
    """Users of a site whose table of domains was left out."""
    amount = 3 * tables.MOST_PROBLEMS
    path = tmp_path / "users.csv"
    lines = [f"u{number},left.out,{HA1}" for number in range(amount)]
    path.write_text("\n".join(["username,domain,ha1", *lines, f"bob,other.out,{HA1}"]))
    report = tables.bring_in([sources.read(path)], acme.tenant, skips_bad=skips_bad)
    assert report.problems == [
        (
            f"subscriber row {row} domain",
            f"There is no domain '{name}' here: add it first, or bring the table `domain` with"
            " these files.",
        )
        for row, name in ((f"1 and {amount - 1} more", "left.out"), (amount + 1, "other.out"))
    ]


@pytest.mark.parametrize("is_rehearsal", [False, True])
def test_all_but_the_bad_rows_where_that_is_wanted(
    acme: World, tmp_path: Path, is_rehearsal: bool
) -> None:
    """Also of what is made in batches, and of rules of which a tenant may have so many only."""
    before = Translation.objects.count()
    acme.tenant.max_rules = before + 3
    acme.tenant.save()
    names = [*(f"u{number}" for number in range(20)), "a b", "u21", "Grace", "u3"]
    users = [{"username": name, "domain": "moved.example", "ha1": HA1} for name in names]
    rules = [
        {"from_domain": "moved.example", "match_regex": f"^{pattern}$", "tran_user": "x"}
        for pattern in ("1", "2(", "3", "3", "4", "5")
    ]
    tables_of_site = {
        "domain": [{"domain": "moved.example"}, {"domain": "no domain"}],
        "subscriber": users,
        "translations": rules,
    }
    files = []
    for table, rows in tables_of_site.items():
        path = tmp_path / f"{table}.json"
        path.write_text(json.dumps(rows))
        files.append(sources.read(path, table))
    report = tables.bring_in(files, acme.tenant, is_rehearsal=is_rehearsal, skips_bad=True)
    assert report.made == {"domain": 1, "subscriber": 21, "translations": 3}
    assert report.known == 2  # u3 and the second of two equal rules
    assert [where for where, _ in report.problems] == [
        "domain row 2 name",
        "subscriber row 21 username",
        "subscriber row 23 username",
        "translations row 2 match_regex",
        "translations row 6 domain",
    ]
    moved = Domain.objects.filter(name="moved.example")
    if is_rehearsal:
        assert not moved.exists()
        return
    made = moved.get()
    assert made.subscribers.count() == 21
    assert sorted(made.translations.values_list("match_regex", flat=True)) == ["^1$", "^3$", "^4$"]
    made_users = Entry.objects.filter(kind="user", action="create", key__endswith="@moved.example")
    assert made_users.count() == 21
    again = tables.bring_in(files, acme.tenant, skips_bad=True)
    assert (again.made, again.known) == ({}, 1 + 22 + 4)


def test_a_rule_that_cannot_be_is_named(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    path.write_text(
        "from_domain,match_regex,tran_user,tran_add_header\n"
        "example.com,(?=x),a,\n"
        'example.com,^1,a,"X: 1\r\nVia: 2"\n'
    )
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert [where for where, _ in report.problems] == [
        "translations row 1 match_regex",
        "translations row 2 tran_add_header",
    ]
    assert Translation.objects.filter(domain=acme.domain).count() == 1


def test_a_rehearsal_makes_nothing(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("domain\nnew.example\n")
    report = tables.bring_in([sources.read(path)], acme.tenant, is_rehearsal=True)
    assert report.made == {"domain": 1}
    assert not Domain.objects.filter(name="new.example").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "is no list of objects"),
        ("[", "is no JSON"),
        ('[{"domain": "a"} {}]', "is no JSON: '{' in place of a comma"),
        ('[{"domain": "a"}] 1', "is no JSON: something stands behind the list"),
        ('{"domain": "a"}', "is no JSON: it does not begin with"),
        ("[" * 100_000, "is no JSON"),
        ("a,b\n1,2\n", "are of no known table: a, b"),
        ("domain\na,b\n", "a row with more cells than its first line"),
        ('domain\n"a', "is no CSV"),
        ("domain\n\udcff", "is no text in UTF-8"),
        ("INSERT INTO domain (domain) VALUES ('a", "a text breaks off"),
        ("INSERT INTO domain (domain) VALUES (1", "a row breaks off"),
        ("INSERT INTO domain (domain) VALUES ('a', 'b');", "a row of domain has 2 values, not 1"),
        ("INSERT INTO domain SELECT 1;", "an INSERT has no VALUES"),
        ("SQLite format 3\0 and nothing", "cannot be read as an SQLite file"),
    ],
)
def test_files_that_are_none(acme: World, tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(SourceError, match=reason):
        tables.bring_in([sources.read(path)], acme.tenant)


def test_a_file_that_breaks_off_leaves_nothing(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "domains.sql"
    path.write_text("INSERT INTO domain (domain) VALUES ('new.example'), ('other.example'), ('")
    with pytest.raises(SourceError):
        tables.bring_in([sources.read(path)], acme.tenant)
    assert not Domain.objects.filter(name="new.example").exists()


KAMAILIO = """-- MySQL dump 10.19  Distrib 10.11.4-MariaDB, for debian-linux-gnu (x86_64)
DROP TABLE IF EXISTS `acc`;
CREATE TABLE `acc` (`id` int(10), `method` varchar(16), KEY `a` (`method`)) ENGINE=InnoDB;
INSERT INTO `acc` VALUES (1,'INSERT INTO `domain` VALUES (9,\\'trap.example\\')'),(2,0x0102);
CREATE TABLE `domain` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `domain` varchar(64) NOT NULL,
  `did` varchar(64) DEFAULT NULL,
  `last_modified` datetime NOT NULL DEFAULT '2000-01-01 00:00:01',
  PRIMARY KEY (`id`),
  UNIQUE KEY `domain_idx` (`domain`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4;
LOCK TABLES `domain` WRITE;
INSERT INTO `domain` VALUES
(1,'moved.example',NULL,'2024-05-01 10:00:00'),
(2,'m\xc3\xbcnchen.example',NULL,'2024-05-01 10:00:00');
UNLOCK TABLES;
CREATE TABLE `subscriber` (`id` int(10), `username` varchar(64), `domain` varchar(64),
  `password` varchar(64), `ha1` varchar(128), `ha1b` varchar(128), `email_address` varchar(128));
INSERT INTO `subscriber` VALUES (1,'bob','moved.example',_binary '','%s','','b\\'ob@x'),
(2,'carol','moved.example','a good password','','',NULL);
"""


def test_a_dump_of_kamailio(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "kamailio.sql"
    path.write_bytes(KAMAILIO.encode("latin-1") % HA1.encode())
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert report.problems == []
    assert report.made == {"domain": 2, "subscriber": 2}
    assert Domain.objects.filter(name="xn--mnchen-3ya.example", tenant=acme.tenant).exists()
    bob, carol = Subscriber.objects.filter(domain__name="moved.example").order_by("username")
    assert bob.ha1_md5 == HA1
    assert carol.ha1_md5 == hashlib.md5(b"carol:moved.example:a good password").hexdigest()
    assert Entry.objects.filter(action="create", key="bob@moved.example").exists()


def test_dumps_of_postgresql_and_of_opensips(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "pg.sql"
    path.write_text(
        "-- PostgreSQL database dump\n"
        "INSERT INTO public.domain (id, domain, attrs) VALUES (1, 'moved.example', 'a\\');\n"
        "INSERT INTO public.subscriber (username, domain, ha1, ha1_sha256, ha1_sha512t256)\n"
        f"  VALUES ('bob', 'moved.example', '{HA1}', '{'5a' * 32}', '');\n"
    )
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert (report.problems, report.made) == ([], {"domain": 1, "subscriber": 1})
    assert Subscriber.objects.get(aor="bob@moved.example").ha1_sha256 == "5a" * 32


def test_more_rows_than_a_batch(acme: World, tmp_path: Path) -> None:
    users, rules = tmp_path / "users.csv", tmp_path / "rules.json"
    amount = 2 * tables.ROWS_AT_ONCE + 7
    users.write_text(
        "username,domain,ha1\n" + "".join(f"u{n},example.com,{HA1}\n" for n in range(amount))
    )
    made = [{"from_domain": "example.com", "match_regex": f"^{n}$", "tran_user": f"u{n}"}
            for n in range(amount)]  # fmt: skip
    rules.write_text(json.dumps(made))
    files = [sources.read(users), sources.read(rules)]
    report = tables.bring_in(files, acme.tenant)
    assert (report.problems, report.made) == ([], {"subscriber": amount, "translations": amount})
    again = tables.bring_in(files, acme.tenant)
    assert (again.made, again.known) == ({}, 2 * amount)
    users.write_text(users.read_text() + "new,example.com,\n")
    refused = tables.bring_in([sources.read(users)], acme.tenant)
    assert [where for where, _ in refused.problems] == [f"subscriber row {amount + 1} ha1"]


def test_limits_hold(acme: World, tmp_path: Path) -> None:
    acme.tenant.max_rules = Translation.objects.filter(domain=acme.domain).count() + 1
    acme.tenant.save()
    path = tmp_path / "rules.csv"
    path.write_text("from_domain,tran_user\nexample.com,a\nexample.com,b\n")
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert [where for where, _ in report.problems] == ["translations row 1 domain"]
    assert not Translation.objects.filter(tran_user="a").exists()


@pytest.mark.parametrize(
    ("columns", "cells", "field"),
    [
        ("match_regex,tran_user", "^1,\\2", "tran_user"),
        ("tran_strip", "x", "tran_strip"),
        ("priority", "-1", "priority"),
        ("enabled,tran_user", "maybe,a", "enabled"),
        ("valid_from,tran_user", "tomorrow,a", "valid_from"),
        ("hours,tran_user", "Someday,a", "hours"),
        ("tran_trunk", "nobody", "tran_trunk"),
        ("tran_domain", "no host", "tran_domain"),
        ("tran_user", "a\0b", "tran_user"),
    ],
)
def test_what_a_rule_may_not_say(
    acme: World, tmp_path: Path, columns: str, cells: str, field: str
) -> None:
    path = tmp_path / "rules.csv"
    path.write_text(f"from_domain,{columns}\nexample.com,{cells}\n")
    report = tables.bring_in([sources.read(path, "translations")], acme.tenant)
    assert [where for where, _ in report.problems] == [f"translations row 1 {field}"]


@pytest.mark.parametrize("table", sources.TABLES)
def test_what_goes_out_comes_in(acme: World, tmp_path: Path, table: str) -> None:
    """Users with their hashes."""
    acme.domain.media_policy, acme.domain.hide_users, acme.domain.note = "auto", False, "x, y"
    acme.domain.save()
    before = list(going_out.rows(table, acme.domain, with_hashes=True))
    assert before
    path = tmp_path / "table.json"
    path.write_text(json.dumps(before))
    services.delete_domain(acme.domain)
    if table != "domain":
        acme.domain = services.create_domain(acme.tenant, "example.com")
    report = tables.bring_in([sources.read(path)], acme.tenant)
    assert (report.problems, report.made) == ([], {table: len(before)})
    domain = Domain.objects.get(name="example.com")
    assert list(going_out.rows(table, domain, with_hashes=True)) == before


def test_hashes_stay_at_home_unless_they_are_asked_for(acme: World) -> None:
    (row, *_) = going_out.rows("subscriber", acme.domain)
    assert not {"ha1", "ha1_sha256", "password"} & set(row)
