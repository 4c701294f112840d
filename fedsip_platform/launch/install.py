"""Makes .venv and installs requirements into it, with progress and one clear line upon failure.

Runs under the machine's own Python before anything is installed: it imports nothing outside the
standard library, and nothing of this project.
"""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from pathlib import Path

MARK = "installed"  # holds the hash of the requirements.txt that is installed
LOG = "install.log"

# What pip says, and what a person should read instead; the first that is found counts.
CAUSES: tuple[tuple[str, str], ...] = (
    (r"No space left on device", "the disk is full; make room and start again"),
    (
        r"NewConnectionError|Failed to establish a new connection|Name or service not known"
        r"|Temporary failure in name resolution|ConnectTimeout|ReadTimeout|Read timed out"
        r"|ProxyError|Cannot connect to proxy|Network is unreachable|Connection refused"
        r"|SSLError|Could not fetch URL",
        "no package registry can be reached; check the network, or name a reachable one "
        "by PIP_INDEX_URL or HTTPS_PROXY",
    ),
    (
        r"requires a different Python|Requires-Python|is not a supported wheel",
        "a package does not support this Python; use Python 3.11, 3.12 or 3.13",
    ),
    (
        r"command '[^']*(gcc|cc|g\+\+|clang)' failed|No such file or directory: '(gcc|cc)'"
        r"|Unable to find a compiler|Microsoft Visual|Python\.h: No such file"
        r"|Failed building wheel|Failed to build",
        "a package has to be compiled here and that failed; "
        "on Debian: apt-get install build-essential python3-dev pkg-config libssl-dev libffi-dev",
    ),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "the package registry has no {what} for this machine and Python",
    ),
)


class InstallFailed(Exception):
    """The environment could not be made; the message is one line."""


def prepare(root: Path, wanted: str, requirements: str = "requirements.txt") -> None:
    """Make `root/.venv` if it is missing or broken, and install what the file names.

    `wanted` is kept in the mark when it is done; a second caller waits for the first.
    """
    venv = root / ".venv"
    with _locked(root):
        mark = venv / MARK
        if _runs(venv) and mark.exists() and mark.read_text().strip() == wanted.strip():
            return
        if not _runs(venv):
            _make_venv(venv)
        install(venv, root / requirements)
        mark.write_text(wanted + "\n")


def install(venv: Path, requirements: Path) -> None:
    """pip install -r, one line of progress for each package it takes up."""
    say(f"installing {requirements.name} (the first time takes a minute or two)")
    words = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    words += ["--no-input", "--retries", "2", "--timeout", "20", "--progress-bar", "off"]
    words += ["-r", str(requirements)]
    log = venv / LOG
    with log.open("w") as kept:
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        for line in process.stdout or ():
            kept.write(line)
            _show(line)
        code = process.wait()
    _clear()
    if code != 0:
        raise InstallFailed(f"{cause(log.read_text())} (everything pip said: {log})")
    say("installed")


def cause(said: str) -> str:
    """One sentence for what pip said."""
    for pattern, sentence in CAUSES:
        found = re.search(pattern, said)
        if found:
            return sentence.format(**found.groupdict())
    errors = [line for line in said.splitlines() if "ERROR" in line or "error:" in line]
    return f"pip failed: {errors[-1].strip() if errors else 'it did not say why'}"


def say(text: str) -> None:
    """One line of progress."""
    print(f"fedsip: {text}", file=sys.stderr, flush=True)


def _runs(venv: Path) -> bool:
    python = venv / "bin" / "python"
    if not python.exists():
        return False
    tried = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True)
    return tried.returncode == 0


def _make_venv(venv: Path) -> None:
    say(f"making {venv} with {sys.executable}")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(venv)], capture_output=True, text=True
    )
    if made.returncode == 0:
        return
    said = (made.stdout + made.stderr).strip()
    if "ensurepip" in said or "No module named venv" in said:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise InstallFailed(
            "this Python cannot make virtual environments; "
            f"on Debian: apt-get install python3-venv (or python{version}-venv)"
        )
    raise InstallFailed(f"cannot make {venv}: {said.splitlines()[-1] if said else 'no reason'}")


class _locked:
    """Holds an exclusive lock on the checkout, so that two first starts do not mix."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._descriptor = -1

    def __enter__(self) -> None:
        if not os.access(self._root, os.W_OK):
            raise InstallFailed(
                f"{self._root} is not writable for you, and its .venv is missing or out of date; "
                "run ./fedsip once as its owner"
            )
        self._descriptor = os.open(self._root, os.O_RDONLY)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *problem: object) -> None:
        os.close(self._descriptor)


def _show(line: str) -> None:
    """One changing line on a terminal; a line for each package elsewhere."""
    found = re.match(
        r"\s*(Collecting|Downloading|Building|Installing collected packages)\b(.*)", line
    )
    if not found:
        return
    text = f"  {found[1]}{found[2].split(' (from')[0]}"[:78]
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    elif found[1] in ("Collecting", "Building"):
        print(text, file=sys.stderr, flush=True)


def _clear() -> None:
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        prepare(Path(sys.argv[1]), sys.argv[2])
    except InstallFailed as failed:
        say(str(failed))
        sys.exit(1)
    except OSError as failed:
        say(f"cannot write {failed.filename}: {failed.strerror}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped")
        sys.exit(130)
