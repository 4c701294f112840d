"""Programs that a test starts: output kept, readiness awaited, ended for certain."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.harness.closing import Closing

_FIRST_PORT = 26_000  # above those that the relays of tests draw from
_PORTS = 1_000
_ports = itertools.count(os.getpid() * 61)  # several runs at a time begin apart


class PeerFailed(AssertionError):
    """A real peer did not do what the test waited for; carries the end of its output."""


class Program(Closing):
    """One started program whose lines of output can be awaited.

    `awaits(pattern)` looks at every line since the last match, so that nothing that was printed
    between two waits is lost. Bounds are seconds and generous: they end a hung test, they do not
    measure anything.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        namespace: str | None = None,
    ) -> None:
        words = [str(word) for word in command]
        if namespace is not None:
            words = ["ip", "netns", "exec", namespace, *words]
        self.log = log
        self.name = Path(words[0]).name
        self._lines: list[str] = []
        self._seen = 0
        self._changed = threading.Condition()
        self.process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ if env is None else env),
            cwd=cwd,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.log.open("wb") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                with self._changed:
                    self._lines.append(line.decode(errors="replace").rstrip())
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def awaits(self, pattern: str, *, within: float = 120.0) -> re.Match[str]:
        """Return the first match of `pattern` in a line that no earlier call has passed."""
        wanted = re.compile(pattern)

        def look() -> re.Match[str] | None:
            for at in range(self._seen, len(self._lines)):
                if match := wanted.search(self._lines[at]):
                    self._seen = at + 1
                    return match
            return None

        with self._changed:
            found: list[re.Match[str]] = []

            def ready() -> bool:
                if match := look():
                    found.append(match)
                    return True
                return self.process.poll() is not None

            self._changed.wait_for(ready, timeout=within)
            if not found:
                raise PeerFailed(f"{self.name} never printed {pattern!r}:\n{self.tail()}")
            return found[0]

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def tail(self, lines: int = 40) -> str:
        return "\n".join(self._lines[-lines:])

    def text(self) -> str:
        return "\n".join(self._lines)

    def wait(self, *, within: float) -> int:
        """Return the exit code, or kill the program and fail when it takes longer."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise PeerFailed(f"{self.name} did not end in {within} s:\n{self.tail()}") from None
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """SIGKILL to the program and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, *, within: float = 10.0) -> int:
        """SIGTERM, then SIGKILL for the one that does not listen."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(5)
        return self.process.returncode

    def close(self) -> None:
        self.stop()


@contextlib.contextmanager
def reserved(address: str, kind: int, port: int) -> Iterator[None]:
    """Fail early, with the port's number, when something else holds it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((address, port))
    yield


def holds_udp(port: int, pid: int) -> bool:
    """Whether a socket is bound to the UDP port in the network in which the process lives; a
    process that has ended lives in none."""
    wanted = f":{port:04X}"
    try:
        tables = [Path("/proc", str(pid), "net", one).read_text() for one in ("udp", "udp6")]
    except OSError:
        return False
    lines = [line for table in tables for line in table.splitlines()[1:]]
    return any(line.split()[1].endswith(wanted) for line in lines)


def free_port(address: str = "127.0.0.1", *, pair: bool = False) -> int:
    """A port that is free for UDP and TCP (with `pair`, the next one too: TLS beside TCP).

    It is below those that the kernel gives to whoever asks for any, so that nobody's connection or
    question to a DNS server gets it before its program has started. No port comes twice, nor one
    of the next three: SIPp takes some of them for media.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(_PORTS):
        port = _FIRST_PORT + 4 * (next(_ports) % _PORTS)
        wanted = [(port, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
        if pair:
            wanted += [(port + 1, kind) for _, kind in wanted]
        with contextlib.ExitStack() as held:
            try:
                for number, kind in wanted:
                    held.enter_context(socket.socket(family, kind)).bind((address, number))
            except OSError:
                continue
            return port
    raise PeerFailed(f"no free port at {address}")
