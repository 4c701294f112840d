"""What is looked at before anything starts, so that nothing is half-started when it is wrong."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import dns.exception
import dns.name
import psycopg

from fedsip_platform.launch import postgres
from fedsip_platform.launch.problem import BAD_SETTING, Problem

OLDEST_POSTGRES = 140000  # server_version_num; EXECUTE FUNCTION with transition tables, xid8
CONNECT_SECONDS = 5
MEGABYTE = 1_000_000
FIRST_ROOM = 100 * MEGABYTE  # what initdb, the tables and their log take is some 70
ROOM = 20 * MEGABYTE  # PostgreSQL's log grows by files of 16


def refuse_unknown_names(environment: Mapping[str, str], known: Iterable[str]) -> None:
    """A misspelt setting would silently have no effect: say so instead."""
    names = set(known)
    for name in sorted(environment):
        if name.startswith("FEDSIP_") and name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Problem(
                f"{name} is no setting of fedsip; {meant}./fedsip settings lists them all",
                exit_code=BAD_SETTING,
            )


def check_database(url: str) -> None:
    """Connect once to the database that DATABASE_URL names."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise Problem(
            f"DATABASE_URL begins with {parts.scheme or 'no scheme'}; it must look like "
            "postgresql://user:password@host:5432/database",
            exit_code=BAD_SETTING,
        )
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Problem(
            f"DATABASE_URL leads to no usable database: {_without_password(reason, parts.password)}"
            "; mend it, or unset it and fedsip starts a PostgreSQL of its own"
        ) from error
    if version < OLDEST_POSTGRES:
        raise Problem(
            f"DATABASE_URL leads to PostgreSQL {version // 10000}; version 14 or newer is needed"
        )


def check_broker(url: str) -> None:
    """Connect once to the broker that FEDSIP_BROKER_URL names."""
    import kombu
    from kombu.exceptions import KombuError, OperationalError

    try:
        with kombu.Connection(url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0.2, timeout=CONNECT_SECONDS)
    except (KombuError, OperationalError, OSError, KeyError, ImportError, ValueError) as error:
        raise Problem(
            f"FEDSIP_BROKER_URL leads to no broker: {_first_line(error)}; "
            "mend it, or unset it and fedsip starts a Redis of its own"
        ) from error


def check_machine_name(name: str) -> None:
    """The kernel takes names that the DNS does not; the proxy's resolver begins with this one."""
    try:
        dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise Problem(
            f"this machine is called {name!r}, which cannot be a name of the DNS; "
            "give it another by hostnamectl hostname NAME"
        ) from error


def check_files(environment: Mapping[str, str]) -> None:
    """A certificate that is named must be readable, with its key."""
    names = ("FEDSIP_TLS_CERT", "FEDSIP_TLS_KEY")
    given = [name for name in names if environment.get(name)]
    if len(given) == 1:
        missing = next(name for name in names if name not in given)
        raise Problem(
            f"{given[0]} is set and {missing} is not; they go together", exit_code=BAD_SETTING
        )
    for name in given:
        if not os.access(environment[name], os.R_OK):
            raise Problem(
                f"{name} names {environment[name]}, which cannot be read", exit_code=BAD_SETTING
            )


def check_room(folder: Path, *, is_embedded: bool) -> None:
    """A full disk would end a start half way, with whatever PostgreSQL says then."""
    is_made = postgres.data_folder(folder).exists()
    needed = FIRST_ROOM if is_embedded and not is_made else ROOM
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise Problem(
            f"the disk of {folder} is full: {free // MEGABYTE} MB are free and "
            f"{needed // MEGABYTE} are needed; make room, or name another folder by "
            "FEDSIP_STATE_DIR"
        )


def _without_password(text: str, password: str | None) -> str:
    return text.replace(password, "***") if password else text


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
