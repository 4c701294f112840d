"""One command on a fresh platform moves a federated-sip site in: its phones go on as they are."""

from __future__ import annotations

import hashlib
import re
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Account, Baresip
from tests.harness.processes import Program

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PORT = 23160
PASSWORDS = {"alice": "typed-in-years-ago", "eric": "also-old"}
# The columns of federated-sip's SQLite file: OpenSIPS' own two tables, and its translations.
TABLES = """
CREATE TABLE domain (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  domain CHAR(64) DEFAULT '' NOT NULL, attrs CHAR(255) DEFAULT NULL,
  accept_subdomain INTEGER DEFAULT 0 NOT NULL, last_modified DATETIME DEFAULT 0 NOT NULL);
CREATE TABLE subscriber (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  username CHAR(64) DEFAULT '' NOT NULL, domain CHAR(64) DEFAULT '' NOT NULL,
  password CHAR(25) DEFAULT '' NOT NULL, cr_preferred_carrier CHAR(64) DEFAULT NULL,
  first_name CHAR(25) DEFAULT '' NOT NULL, ha1 CHAR(64) DEFAULT '' NOT NULL,
  ha1_sha256 CHAR(64) DEFAULT '' NOT NULL, ha1_sha512t256 CHAR(64) DEFAULT '' NOT NULL,
  rpid CHAR(64) DEFAULT NULL);
CREATE TABLE translations (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  from_domain CHAR(64) NOT NULL, from_username CHAR(64), match_user_agent CHAR(64),
  match_regex CHAR(64), tran_priority INTEGER DEFAULT 99, tran_user CHAR(64), tran_strip INTEGER,
  tran_prefix CHAR(64), tran_domain CHAR(64), tran_port INTEGER, tran_strip_port INTEGER,
  tran_add_header CHAR(255));
CREATE TABLE version (table_name CHAR(32) NOT NULL, table_version INTEGER DEFAULT 0 NOT NULL);
"""


@pytest.fixture
def site(folder: Path) -> Path:
    """An SQLite file with one domain, two users and three rules, two of them those of the talk."""
    path = folder / "opensips.sqlite"
    domain = "proxy123.uphreak.com"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(TABLES)
        connection.execute("INSERT INTO domain (domain) VALUES (?)", [domain])
        for name, password in PASSWORDS.items():
            ha1 = hashlib.md5(f"{name}:{domain}:{password}".encode()).hexdigest()
            connection.execute(
                "INSERT INTO subscriber (username, domain, ha1) VALUES (?, ?, ?)",
                [name, domain, ha1],
            )
        connection.executemany(
            "INSERT INTO translations"
            " (from_domain, match_regex, tran_user, tran_strip, tran_domain)"
            " VALUES (?, ?, ?, ?, ?)",
            [
                (domain, "^1000$", "eric", None, "workshop.uphreak.com"),
                (domain, r"^\+18[0678]{2}[0-9]{7}$", None, 1, "tf.arctele.com"),
                (domain, "^(2)000$", "eric", None, domain),
            ],
        )
        connection.commit()
    return path


def test_one_command_moves_a_site(
    folder: Path, settings_from: Callable[[int], dict[str, str]], site: Path
) -> None:
    settings = settings_from(PORT)

    def fedsip(*words: str) -> str:
        done = subprocess.run(
            [ROOT / "fedsip", *words], env=settings, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    with Program([ROOT / "fedsip", "up"], log=folder / "up.log", env=settings) as platform:
        platform.awaits(r"Ctrl-C stops everything", within=120)
        said = fedsip("import", str(site), "--new-tenant", "uphreak")
        assert said == "1 of domain, 2 of subscriber, 3 of translations imported.\n"
        found = re.search(rf"SIP UDP +(\S+):{PORT}\n", platform.text())
        assert found is not None
        host = found[1]
        domain = "proxy123.uphreak.com"
        alice, eric = (
            Account(name, domain, password, f"sip:{host}:{PORT};transport=udp")
            for name, password in PASSWORDS.items()
        )
        with (
            Baresip(alice, folder / "alice", seed=1, address=host, interface="") as caller,
            Baresip(eric, folder / "eric", seed=2, address=host, interface="") as callee,
        ):
            caller.registers()
            callee.registers()
            caller.dials(f"sip:2000@{domain}")
            callee.accepts()
            caller.established()
            hears(callee, caller)
            hears(caller, callee)
            caller.command("hangup")
            callee.closed()
        became = fedsip("translate", f"alice@{domain}", "+18005551212", "--json")
        assert "sip:18005551212@tf.arctele.com" in became
        assert platform.stop(within=60) == 0
