"""`./fedsip test`: makes ready what the tests need, runs them in stages, sums up by area."""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from fedsip_platform.launch import front_end, install, progress, report
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import ROOT

TESTS = ROOT / "tests"
ARTEFACTS = TESTS / "artefacts"
NOTHING_COLLECTED = 5  # pytest's exit code

# Debian starts a package's service when it installs it; the peers must not take our ports.
INSTALL_SCRIPT = """\
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\\nexit 101\\n' >$policy && chmod +x $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "$@"
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of pytest. Tests that start no peers share the processors, a file at a time; each
    process has a PostgreSQL of its own."""

    name: str
    marks: str
    options: tuple[str, ...] = ()


SIDE_BY_SIDE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
# A plugin for tests of the API, which takes every process seconds to load.
WITHOUT_SCHEMATHESIS = ("-p", "no:schemathesis")
STAGES = (
    Stage("fast", "not db and not e2e", (*SIDE_BY_SIDE, *WITHOUT_SCHEMATHESIS)),
    Stage("db", "db and not e2e", SIDE_BY_SIDE),
    Stage("e2e", "e2e"),
)


@dataclass(slots=True)
class Area:
    """What came out of one folder of tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


def test(words: list[str]) -> int:
    """Run the suite; exit code 0 only when everything passed."""
    parser = argparse.ArgumentParser(
        prog="fedsip test",
        description="Run the tests: style, fast, db, then e2e with real peers.",
        epilog="Further words go to pytest, as in: ./fedsip test --fast -k uri",
    )
    parser.add_argument("--fast", action="store_true", help="no database, no peers: a minute")
    options, further = parser.parse_known_args(words)
    _install_python_packages()
    if not options.fast:
        front_end.prepare()
        _install_debian_packages()
    began = time.monotonic()
    ARTEFACTS.mkdir(exist_ok=True)
    if options.fast:
        further.append("--hypothesis-profile=fast")
    areas: dict[str, Area] = {}
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=1) as beside:
        style = beside.submit(_check_style)
        for stage in STAGES[:1] if options.fast else STAGES:
            code = _run_stage(stage, further, areas)
            if code not in (0, NOTHING_COLLECTED):
                failed.append(stage.name)
            if stage is STAGES[0] and not style.result():
                failed.append("style")
    if not areas:
        failed.append("nothing was tested")
    sum_up(areas, failed, time.monotonic() - began)
    return 1 if failed else 0


def _install_python_packages() -> None:
    venv = ROOT / ".venv"
    requirements = TESTS / "requirements.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    mark = venv / "installed-for-tests"
    if mark.exists() and mark.read_text() == wanted:
        return
    try:
        install.install(venv, requirements)
    except install.InstallFailed as failed:
        raise Problem(str(failed)) from failed
    mark.write_text(wanted)


def _install_debian_packages() -> None:
    wanted = listed(TESTS / "debian-packages.txt")
    if shutil.which("dpkg-query") is None:
        raise Problem(
            "the real peers are Debian packages, and this is no Debian; "
            f"run ./fedsip test --fast, or provide: {', '.join(wanted)}"
        )
    missing = [name for name in wanted if not is_installed(name)]
    if not missing:
        return
    sudo = []
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise Problem(
                f"these Debian packages are missing and there is no sudo: {' '.join(missing)}; "
                "have root install them, or run ./fedsip test --fast"
            )
        sudo = ["sudo"]
    progress.say(f"installing Debian packages of the test peers: {' '.join(missing)}")
    words = [*sudo, "sh", "-c", INSTALL_SCRIPT, "sh", *missing]
    if subprocess.run(words, check=False).returncode != 0:
        raise Problem(
            "apt-get could not install them (see above); "
            "check the network and the package sources, or run ./fedsip test --fast"
        )


def listed(path: Path) -> list[str]:
    """Names in a list with comments."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def is_installed(package: str) -> bool:
    """Whether dpkg has the package, wholly."""
    asked = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}", package],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout == "installed"


def _check_style() -> bool:
    """Beside the fast tests, which leave processors idle while they wait; said in one piece."""
    tools = {
        "ruff check": ["ruff", "check", "--quiet"],
        "ruff format": ["ruff", "format", "--check", "--quiet"],
        "mypy --strict": ["mypy"],
    }
    good = True
    for name, words in tools.items():
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        good = good and done.returncode == 0
        verdict = "" if done.returncode == 0 else f" FAILED\n{done.stdout.rstrip()}"
        progress.say(f"style: {name} ({time.monotonic() - began:.1f} s){verdict}")
    return good


def _run_stage(stage: Stage, further: Iterable[str], areas: dict[str, Area]) -> int:
    result = ARTEFACTS / f"junit-{stage.name}.xml"
    result.unlink(missing_ok=True)
    progress.say(f"\n=== {stage.name} tests")
    words = [sys.executable, "-m", "pytest", "-q", "-m", stage.marks, f"--junit-xml={result}"]
    code = subprocess.run([*words, *stage.options, *further], cwd=ROOT, check=False).returncode
    if result.exists():
        count(result, areas)
    return code


def count(result: Path, areas: dict[str, Area]) -> None:
    """Add what pytest's JUnit file says to the areas: the first folder below tests/."""
    for case in ElementTree.parse(result).iter("testcase"):  # noqa: S314  (pytest wrote it)
        parts = case.get("classname", "").split(".")
        area = areas.setdefault(parts[1] if len(parts) > 1 else "tests", Area())
        area.seconds += float(case.get("time", 0))
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            area.failed += 1
        elif "skipped" in kinds:
            area.skipped += 1
        else:
            area.passed += 1


def sum_up(areas: dict[str, Area], failed: list[str], seconds: float) -> None:
    """The last lines of a run: one for each area, one for all, and the verdict."""
    rows = [("AREA", "PASSED", "FAILED", "SKIPPED", "SECONDS")]
    for name, area in sorted(areas.items()):
        counts = (str(area.passed), str(area.failed), str(area.skipped))
        rows.append((name, *counts, f"{area.seconds:.1f}"))
    passed = sum(area.passed for area in areas.values())
    broken = sum(area.failed for area in areas.values())
    skipped = sum(area.skipped for area in areas.values())
    rows.append(("all", str(passed), str(broken), str(skipped), f"{seconds:.1f}"))
    progress.say("\n" + report.table(rows, indent=""))
    progress.say(f"FAILED: {', '.join(failed)}" if failed else "all passed")
