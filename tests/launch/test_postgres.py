"""The embedded PostgreSQL: started, restarted, found, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from fedsip_platform.launch import postgres
from fedsip_platform.launch.postgres import EmbeddedPostgres, PostgresError
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.db


@pytest.fixture
def state_dir(folder: Path) -> Path:
    return folder


def _ask(url: str, question: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def test_data_outlives_a_restart(state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir)
    with psycopg.connect(server.start()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    assert postgres.running_url(state_dir) is None
    url = server.start()
    try:
        assert postgres.running_url(state_dir) == url
        assert _ask(url, "SELECT number FROM kept") == 7
    finally:
        server.stop()


@pytest.mark.parametrize("name", ["a b", "pä,th", '50% "x"', "a'b&c=d?e#f"])
def test_a_folder_of_any_name(state_dir: Path, name: str) -> None:
    server = EmbeddedPostgres(state_dir / name, durable=False)
    (state_dir / name).mkdir()
    state_dir.joinpath(name).chmod(0o711)
    url = server.start()
    try:
        beside = str(state_dir / name / "postgres/socket")
        assert (conninfo_to_dict(url)["host"] == beside) == ("," not in name)
        assert _ask(url, "SELECT 7") == 7
        assert postgres.running_url(state_dir / name) == url
    finally:
        server.stop()


@pytest.mark.parametrize(("durable", "expected"), [(True, "on"), (False, "off")])
def test_durability_is_a_choice(state_dir: Path, durable: bool, expected: str) -> None:
    server = EmbeddedPostgres(state_dir, durable=durable)
    try:
        url = server.start()
        assert _ask(url, "SELECT current_setting('synchronous_commit')") == expected
        assert _ask(url, "SELECT current_setting('fsync')") == expected
    finally:
        server.stop()


def test_only_its_owner_can_open_the_socket(state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir, durable=False)
    try:
        server.start()
        for folder in (state_dir / "postgres", state_dir / "postgres" / "socket"):
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()


def test_a_long_path_gets_a_short_socket_and_leaves_none_behind(state_dir: Path) -> None:
    deep = state_dir / ("deep" * 25)
    deep.mkdir()
    server = EmbeddedPostgres(deep, durable=False)
    url = server.start()
    socket_folder = Path(url.partition("host=")[2])
    try:
        assert _ask(url, "SELECT 1") == 1
        assert not socket_folder.is_relative_to(deep)
    finally:
        server.stop()
    assert not socket_folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root meets a folder that others cannot enter")
def test_root_uses_a_namespace_where_no_other_user_can_enter(state_dir: Path) -> None:
    state_dir.chmod(0o700)
    server = EmbeddedPostgres(state_dir, durable=False)
    try:
        assert _ask(server.start(), "SELECT 1") == 1
        assert (state_dir / "postgres" / "data").stat().st_uid == 0
    finally:
        server.stop()


def test_kill_9_of_the_starter_ends_the_server(state_dir: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from fedsip_platform.launch.postgres import EmbeddedPostgres\n"
        "EmbeddedPostgres(Path(sys.argv[1]), durable=False).start(); print('up', flush=True)\n"
        "time.sleep(3600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(state_dir)], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == "up\n"
    assert postgres.running_url(state_dir) is not None
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_until(lambda: postgres.running_url(state_dir) is None, "the server ends")


def test_a_server_left_behind_is_replaced(state_dir: Path) -> None:
    left = EmbeddedPostgres(state_dir, durable=False)
    left.start()
    server = EmbeddedPostgres(state_dir, durable=False)
    try:
        assert _ask(server.start(), "SELECT 1") == 1
    finally:
        server.stop()
        left.stop()


def test_data_of_another_version_is_refused_in_a_sentence(state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir, durable=False)
    server.start()
    server.stop()
    (state_dir / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresError, match="was made by PostgreSQL 9"):
        server.start()


def test_a_failed_start_says_what_the_server_said(state_dir: Path) -> None:
    server = EmbeddedPostgres(state_dir, durable=False)
    server.start()
    server.stop()
    (state_dir / "postgres" / "data" / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(PostgresError, match="contains errors"):
        server.start()
