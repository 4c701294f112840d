"""Fixtures of all tests: an embedded PostgreSQL, and Django for the areas that need it.

The tests see none of the settings of whoever runs them: FEDSIP_* and DATABASE_URL are taken out of
the environment, and every state folder is a temporary one.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from fedsip_platform.launch.postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
DJANGO_AREAS = {"live", "api", "cli", "platform", "ui"}
TEMPLATE = "fedsip_template"
NOT_WANTED = re.compile(r"\bnot (\w+)")
OF_ALL_TESTS = re.compile(r"^pytestmark = .*", re.MULTILINE)

# ./fedsip test --fast tries fewer examples of each property than the whole suite does. None of
# them is timed: how long an example takes says how busy the machine is.
settings.register_profile("whole", deadline=None)
settings.register_profile("fast", deadline=None, max_examples=25)
settings.load_profile("whole")

_state_dir = Path(tempfile.mkdtemp(prefix="fedsip-tests-"))


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith("FEDSIP_")]:
        del os.environ[name]
    os.environ["DATABASE_URL"] = "postgresql://fedsip@/fedsip?host=/nonexistent"
    os.environ["FEDSIP_STATE_DIR"] = str(_state_dir)
    os.environ["FEDSIP_CLUSTER_KEY"] = "5a" * 32
    os.environ["FEDSIP_WEB_SECRET_KEY"] = "a secret of the tests alone, long enough for Django"
    _state_dir.chmod(0o711)  # the server's user must be able to enter


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(_state_dir, ignore_errors=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out unread the files of which `-m "not db ..."` would leave out every test."""
    if not collection_path.match("test_*.py"):
        return None
    unwanted = NOT_WANTED.findall(config.getoption("markexpr"))
    marks = OF_ALL_TESTS.findall(collection_path.read_text())
    return any(f"mark.{name}" in text for name in unwanted for text in marks) or None


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> None:
    """Set Django up before the first module that imports models is collected."""
    if file_path.is_relative_to(TESTS) and file_path.relative_to(TESTS).parts[0] in DJANGO_AREAS:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")
        import django
        from django.apps import apps

        if not apps.ready:
            django.setup()


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """An embedded PostgreSQL for this test run, with an empty database."""
    server = EmbeddedPostgres(_state_dir, durable=False)
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def template_url(database_url: str) -> str:
    """A migrated database that nobody connects to: the others are copies of it."""
    url = _create_database(database_url, TEMPLATE)
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return url


@pytest.fixture(scope="session")
def migrated_url(database_url: str, template_url: str) -> str:
    """A migrated database, shared by the whole run: a test removes what it adds."""
    return _create_database(database_url, "fedsip_migrated", template=TEMPLATE)


@pytest.fixture(scope="session")
def _new_database(database_url: str, template_url: str) -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: _create_database(database_url, f"fresh_{next(numbers)}", template=TEMPLATE)


@pytest.fixture
def fresh_url(database_url: str, _new_database: Callable[[], str]) -> Iterator[str]:
    """A migrated, empty database of this test alone (some 50 ms)."""
    url = _new_database()
    yield url
    name = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(database_url: str) -> None:
    """Point Django at the embedded server (pytest-django asks for this before it makes its own)."""
    from django.db import connections

    parts = conninfo_to_dict(database_url)
    settings = connections["default"].settings_dict
    settings.update(
        NAME=parts["dbname"],
        USER=parts["user"],
        HOST=parts["host"],
        PASSWORD="",
        PORT="",
    )


def _create_database(server_url: str, name: str, *, template: str = "template0") -> str:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    parts = conninfo_to_dict(server_url)
    return f"postgresql://{parts['user']}@/{name}?host={parts['host']}"
