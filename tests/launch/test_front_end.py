"""The dashboard's build step: what it is made from, when it is made again, how it fails."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from fedsip_platform.launch import front_end
from fedsip_platform.launch.problem import Problem

FRONT_END = front_end.FOLDER

SAID = [
    (
        "npm error code ECONNREFUSED\nnpm error errno ECONNREFUSED\n"
        "npm error FetchError: request failed, reason: connect ECONNREFUSED 127.0.0.1:9\n",
        "npm cannot reach a package registry",
    ),
    ("npm error code EAI_AGAIN\nnpm error getaddrinfo EAI_AGAIN\n", "npm cannot reach"),
    ("npm error code ENOSPC\nnpm error network\n", "the disk is full"),
    ("npm error code E404\nnpm error 404 Not Found - GET uplot\n", "npm's registry lacks"),
    ("npm error code EINTEGRITY\n", "a package from npm is not the one"),
    ("npm error code EUSAGE\n", "admin_ui/package.json and package-lock.json differ"),
    (
        '✘ [ERROR] Could not resolve "nothing"\n',
        'npm failed: ✘ [ERROR] Could not resolve "nothing"',
    ),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_the_cause_is_one_sentence(said: str, expected: str) -> None:
    sentence = front_end.cause(said)
    assert sentence.startswith(expected)
    assert "\n" not in sentence


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((FRONT_END / "package-lock.json").read_text())["packages"]
    assert packages
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_every_package_is_pinned() -> None:
    wanted = json.loads((FRONT_END / "package.json").read_text())
    for name, version in (wanted["dependencies"] | wanted["devDependencies"]).items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name


def test_icons_of_the_pages_are_those_of_the_sprite() -> None:
    lines = (FRONT_END / "frontend" / "icons.txt").read_text().splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert listed == sorted(set(listed))
    used = set()
    for path in (FRONT_END / "templates").rglob("*.html"):
        used |= set(re.findall(r"{% icon [\"']([a-z0-9-]+)[\"']", path.read_text()))
    assert used <= set(listed)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A front end of one script, and a node and npm that note their calls."""
    folder = tmp_path / "admin_ui"
    (folder / "frontend").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.mjs"):
        (folder / name).write_text(name)
    (folder / "frontend" / "main.js").write_text("one")
    return folder


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for node and npm: each call adds a line to `calls`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    calls = tmp_path / "calls"
    calls.write_text("")
    _program(folder / "npm", f"echo npm $1 >>{calls}; mkdir -p node_modules")
    _program(
        folder / "node",
        f"[ $1 = --version ] && echo v20.1.0 && exit; echo node $1 >>{calls}; "
        f"mkdir -p {front_end.BUILT}",
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return calls


def test_it_is_built_once_and_again_when_something_changed(checkout: Path, programs: Path) -> None:
    front_end.prepare(checkout)
    front_end.prepare(checkout)
    assert programs.read_text().splitlines() == ["npm ci", "node build.mjs"]
    (checkout / "frontend" / "main.js").write_text("two")
    front_end.prepare(checkout)
    assert programs.read_text().splitlines()[2:] == ["node build.mjs"]  # no network is needed
    (checkout / "package-lock.json").write_text("another")
    front_end.prepare(checkout)
    assert programs.read_text().splitlines()[3:] == ["npm ci", "node build.mjs"]


def test_a_failure_is_one_line_and_a_later_try_goes_on(
    checkout: Path, programs: Path, tmp_path: Path
) -> None:
    npm = tmp_path / "bin" / "npm"
    good = npm.read_text()
    _program(npm, "echo npm error code EAI_AGAIN >&2; exit 1")
    with pytest.raises(Problem) as raised:
        front_end.prepare(checkout)
    assert raised.value.message.startswith("npm cannot reach a package registry")
    assert not (checkout / front_end.BUILT / front_end.MARK).exists()
    npm.write_text(good)
    front_end.prepare(checkout)
    assert (checkout / front_end.BUILT / front_end.MARK).exists()


def test_an_old_node_does_not_count(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "venv"
    (own / "bin").mkdir(parents=True)
    _program(own / "bin" / "npm", "true")
    monkeypatch.setattr(front_end, "VENV", own)
    assert front_end.node_folder(str(tmp_path / "bin")) == tmp_path / "bin"
    _program(tmp_path / "bin" / "node", "echo v16.20.0")
    assert front_end.node_folder(str(tmp_path / "bin")) == own / "bin"
    assert front_end.node_folder(str(tmp_path / "nothing here")) == own / "bin"


@pytest.mark.e2e
def test_the_real_build_without_and_with_a_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "admin_ui"
    folder.mkdir()
    for name in front_end.SOURCES:
        source = FRONT_END / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "empty cache"))
    with pytest.raises(Problem) as raised:
        front_end.prepare(folder)
    assert raised.value.message.startswith("npm cannot reach a package registry")
    monkeypatch.delenv("npm_config_registry")
    monkeypatch.delenv("npm_config_cache")
    front_end.prepare(folder)
    built = {path.name for path in (folder / front_end.BUILT).iterdir()}
    assert {"dashboard.js", "dashboard.css", "theme.js", "icons.svg", "icons.svg.br"} <= built


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
