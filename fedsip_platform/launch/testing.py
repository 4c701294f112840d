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
from collections.abc import Container, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from fedsip_platform.launch import front_end, install, progress, report
from fedsip_platform.launch.problem import Problem
from fedsip_platform.launch.state import ROOT

TESTS = ROOT / "tests"
ARTEFACTS = TESTS / "artefacts"
TESTS_FAILED, NOTHING_COLLECTED = 1, 5  # exit codes of pytest

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
    second_chances: int = 0  # so many tests that failed are run again, alone, and named at the end


SIDE_BY_SIDE = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
# A plugin for tests of the API, which takes every process seconds to load.
WITHOUT_SCHEMATHESIS = ("-p", "no:schemathesis")
STAGES = (
    Stage("fast", "not db and not e2e", (*SIDE_BY_SIDE, *WITHOUT_SCHEMATHESIS)),
    Stage("db", "db and not e2e", SIDE_BY_SIDE),
    Stage("e2e", "e2e", second_chances=3),
)


@dataclass(slots=True)
class Area:
    """What came out of one folder of tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Outcome:
    """What came out of a run."""

    areas: dict[str, Area] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)  # stages, and what else went wrong
    unsteady: list[str] = field(default_factory=list)  # failed beside others, passed alone


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
    outcome = Outcome()
    with ThreadPoolExecutor(max_workers=1) as beside:
        style = beside.submit(_check_style)
        for stage in STAGES[:1] if options.fast else STAGES:
            code = run_stage(stage, further, outcome)
            if code not in (0, NOTHING_COLLECTED):
                outcome.failed.append(stage.name)
            if stage is STAGES[0] and not style.result():
                outcome.failed.append("style")
    if not outcome.areas:
        outcome.failed.append("nothing was tested")
    sum_up(outcome, time.monotonic() - began)
    return 1 if outcome.failed else 0


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


def run_stage(stage: Stage, further: Iterable[str], outcome: Outcome) -> int:
    """Real peers on a machine that does other things too can come too late: a few tests of theirs
    that fail are run once more, alone. What passes only then is named in the summary, with its
    first failure above it."""
    progress.say(f"\n=== {stage.name} tests")
    result = ARTEFACTS / f"junit-{stage.name}.xml"
    memory = ("-o", f"cache_dir={ARTEFACTS / f'cache-{stage.name}'}")
    options = (*stage.options, *memory, *further)
    code = _pytest(stage, result, options)
    if not result.exists():
        return code
    failures = failures_in(result)
    if code != TESTS_FAILED or not 0 < len(failures) <= stage.second_chances:
        count(result, outcome.areas)
        return code
    count(result, outcome.areas, without=failures)
    progress.say(f"\n=== {stage.name} tests: what failed, alone")
    again = ARTEFACTS / f"junit-{stage.name}-again.xml"
    code = _pytest(stage, again, (*options, "--last-failed"))
    if again.exists():
        count(again, outcome.areas)
        outcome.unsteady += sorted(failures - failures_in(again))
    return code


def _pytest(stage: Stage, result: Path, options: Iterable[str]) -> int:
    result.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "-q", "-m", stage.marks, f"--junit-xml={result}"]
    return subprocess.run([*words, *options], cwd=ROOT, check=False).returncode


def failures_in(result: Path) -> set[str]:
    """The tests that failed, by what pytest's JUnit file says."""
    return {_name(case) for case in _cases(result) if _failed(case)}


def count(result: Path, areas: dict[str, Area], *, without: Container[str] = ()) -> None:
    """Add what pytest's JUnit file says to the areas: the first folder below tests/."""
    for case in _cases(result):
        parts = case.get("classname", "").split(".")
        area = areas.setdefault(parts[1] if len(parts) > 1 else "tests", Area())
        area.seconds += float(case.get("time", 0))
        if _name(case) in without:
            continue
        if _failed(case):
            area.failed += 1
        elif case.find("skipped") is not None:
            area.skipped += 1
        else:
            area.passed += 1


def _cases(result: Path) -> Iterator[ElementTree.Element]:
    return ElementTree.parse(result).iter("testcase")  # noqa: S314  (pytest wrote it)


def _name(case: ElementTree.Element) -> str:
    return f"{case.get('classname')}.{case.get('name')}"


def _failed(case: ElementTree.Element) -> bool:
    return case.find("failure") is not None or case.find("error") is not None


def sum_up(outcome: Outcome, seconds: float) -> None:
    """The last lines of a run: one for each area, one for all, and the verdict."""
    areas = outcome.areas
    rows = [("AREA", "PASSED", "FAILED", "SKIPPED", "SECONDS")]
    for name, area in sorted(areas.items()):
        counts = (str(area.passed), str(area.failed), str(area.skipped))
        rows.append((name, *counts, f"{area.seconds:.1f}"))
    passed = sum(area.passed for area in areas.values())
    broken = sum(area.failed for area in areas.values())
    skipped = sum(area.skipped for area in areas.values())
    rows.append(("all", str(passed), str(broken), str(skipped), f"{seconds:.1f}"))
    progress.say("\n" + report.table(rows, indent=""))
    for name in outcome.unsteady:
        progress.say(f"UNSTEADY: {name} failed, then passed alone; its failure is above")
    failed = outcome.failed
    progress.say(f"FAILED: {', '.join(failed)}" if failed else "all passed")
