"""The state folder: where everything lies that fedsip keeps on this machine, and who holds it.

    secrets/   keys and first passwords, 0600          run/   the lock and what runs now
    tls/       certificate and key                     log/   one log for each process
    postgres/  redis/   the embedded servers' data

Exactly one `fedsip up`, or one command with its own short-lived database, holds `run/lock`; the
kernel lets go of it when that process ends, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from pathlib import Path
from typing import Any

from fedsip_platform.launch.problem import Problem

ROOT = Path(__file__).resolve().parents[2]

LOCK_SECONDS = 1.0  # `status` and other readers touch the lock for an instant


class StateFolder:
    """Paths of one state folder, its lock and its small files."""

    __slots__ = ("_lock", "path")

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock = -1

    @classmethod
    def of_environment(cls) -> StateFolder:
        """`FEDSIP_STATE_DIR`, else `var` in the checkout."""
        return cls(Path(os.environ.get("FEDSIP_STATE_DIR") or ROOT / "var"))

    @property
    def log(self) -> Path:
        """Folder of the logs."""
        return self.path / "log"

    @property
    def tls(self) -> Path:
        """Folder of the certificate that the launcher makes."""
        return self.path / "tls"

    @property
    def run(self) -> Path:
        """Folder of what is true only while something runs."""
        return self.path / "run"

    @property
    def secrets(self) -> Path:
        """Folder of keys and first passwords."""
        return self.path / "secrets"

    def make(self) -> None:
        """Make the folders, private to their owner, and show that they can be written."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # The embedded PostgreSQL may run as another user, who must be able to pass through.
            self.path.chmod(0o711)
            for folder in (self.log, self.tls, self.run, self.secrets):
                folder.mkdir(exist_ok=True)
                folder.chmod(0o700)
                probe = folder / ".writable"
                probe.write_bytes(b"")
                probe.unlink()
        except OSError as error:
            raise Problem(
                f"the state folder {self.path} cannot be written ({error.strerror}); "
                "give it to this user, or name another by FEDSIP_STATE_DIR"
            ) from error

    def lock(self, purpose: str) -> None:
        """Take the folder for this process, or say who has it."""
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + LOCK_SECONDS
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise Problem(
                    f"fedsip already runs on {self.path} ({self._holder_text()}); "
                    "./fedsip down stops it"
                )
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {purpose}\n".encode(), 0)
        self._lock = descriptor

    def unlock(self) -> None:
        """Let go; the kernel does the same when the process ends."""
        if self._lock >= 0:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def holder(self) -> tuple[int, str] | None:
        """Process number and purpose of whoever holds the folder now."""
        try:
            descriptor = os.open(self.run / "lock", os.O_RDWR)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise Problem(
                f"{self.path} belongs to another user; run this as its owner or with sudo"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, purpose = os.pread(descriptor, 200, 0).decode().strip().partition(" ")
            return (int(pid or 0), purpose)
        finally:
            os.close(descriptor)
        return None

    def secret(self, name: str, *, size: int = 32) -> str:
        """A key in hex digits, made at the first call and kept with mode 0600."""
        path = self.secrets / name
        if path.exists():
            return path.read_text().strip()
        value = secrets.token_hex(size)
        self.write_private(path, value + "\n")
        return value

    def write_private(self, path: Path, text: str) -> None:
        """Write a whole file that only its owner may read; never half of one."""
        unfinished = path.with_name(path.name + ".unfinished")
        unfinished.unlink(missing_ok=True)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.rename(path)

    def write_running(self, facts: dict[str, Any]) -> None:
        """What runs now, for `status` and for the clean-up after a crash."""
        self.write_private(self.run / "state.json", json.dumps(facts, indent=1))

    def running(self) -> dict[str, Any]:
        """What was last written; empty when nothing was."""
        try:
            facts: dict[str, Any] = json.loads((self.run / "state.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return facts

    def forget_running(self) -> None:
        """Nothing runs any more."""
        (self.run / "state.json").unlink(missing_ok=True)

    def _holder_text(self) -> str:
        holder = self.holder()
        return f"process {holder[0]}: {holder[1]}" if holder else "it is just ending"


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
