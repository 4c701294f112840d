"""Moving in: the seed's table, OpenSIPS' and Kamailio's users, from each kind of file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.moving import sources, tables
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
    report = tables.bring_in(sources.read(seed_file), acme.tenant)
    assert report.problems == []
    assert report.made == {"domain": 1, "subscriber": 1, "translations": 2}
    assert Subscriber.objects.get(aor="bob@moved.example").ha1_md5 == HA1
    first, second = Translation.objects.filter(domain__name="moved.example").order_by("priority")
    assert (first.priority, first.tran_user, first.tran_domain) == (
        10, "eric", "workshop.uphreak.com",
    )  # fmt: skip
    assert (second.priority, second.match_regex) == (99, r"^\+18[0678]{2}[0-9]{7}$")
    assert (second.tran_strip, second.tran_add_header) == (1, "X-It's: a; b")
    again = tables.bring_in(sources.read(seed_file), acme.tenant)
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
    report = tables.bring_in(sources.read(path), acme.tenant)
    assert [(where.rpartition(" ")[0][-5:], reason[:30]) for where, reason in report.problems] == [
        ("row 2", "Its HA1 contains capitals, and"),
        ("row 3", "example.net is not a domain of"),
        ("row 4", "There is no domain 'nowhere.ex"),
        ("row 5", "There is neither a password no"),
        ("row 6", "Use letters, digits and - _ . "),
    ]
    assert not Subscriber.objects.filter(username="carol").exists()


def test_a_rule_that_cannot_be_is_named(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "rules.csv"
    path.write_text(
        "from_domain,match_regex,tran_user,tran_add_header\n"
        "example.com,(?=x),a,\n"
        'example.com,^1,a,"X: 1\r\nVia: 2"\n'
    )
    report = tables.bring_in(sources.read(path), acme.tenant)
    assert [where for where, _ in report.problems] == [
        "translations row 1 match_regex",
        "translations row 2 tran_add_header",
    ]
    assert Translation.objects.filter(domain=acme.domain).count() == 1


def test_a_rehearsal_makes_nothing(acme: World, tmp_path: Path) -> None:
    path = tmp_path / "domains.csv"
    path.write_text("domain\nnew.example\n")
    report = tables.bring_in(sources.read(path), acme.tenant, is_rehearsal=True)
    assert report.made == {"domain": 1}
    assert not Domain.objects.filter(name="new.example").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "is no list of objects"),
        ("[", "is no JSON"),
        ("a,b\n1,2\n", "these columns are of no known table: a, b"),
        ("INSERT INTO domain (domain) VALUES ('a", "a text breaks off"),
        ("INSERT INTO domain (domain) VALUES ('a', 'b');", "a row of domain has 2 values, not 1"),
        ("INSERT INTO domain SELECT 1;", "an INSERT has no VALUES"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(SourceError, match=reason):
        sources.read(path)
