"""`./fedsip test`: the summary by area, the exit code, and what is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fedsip_platform.launch import testing
from fedsip_platform.launch.testing import Area, Outcome, Stage

ROOT = Path(__file__).resolve().parents[2]

JUNIT = """<testsuites><testsuite>
<testcase classname="tests.sip.test_uri" name="a" time="0.5"/>
<testcase classname="tests.sip.test_uri" name="b" time="0.5"><failure/></testcase>
<testcase classname="tests.e2e.test_nat" name="c" time="2"><error/></testcase>
<testcase classname="tests.e2e.test_nat" name="d" time="1"><skipped/></testcase>
<testcase classname="tests.test_top" name="e" time="0"/>
</testsuite></testsuites>"""


def test_results_are_counted_by_area(tmp_path: Path) -> None:
    (tmp_path / "junit.xml").write_text(JUNIT)
    areas: dict[str, Area] = {}
    testing.count(tmp_path / "junit.xml", areas)
    assert areas["sip"] == Area(passed=1, failed=1, seconds=1.0)
    assert areas["e2e"] == Area(failed=1, skipped=1, seconds=3.0)


def test_the_summary_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    testing.sum_up(Outcome({"sip": Area(passed=3, seconds=1.0)}), 1.5)
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "AREA  PASSED  FAILED  SKIPPED  SECONDS",
        "sip   3       0       0        1.0",
        "all   3       0       0        1.5",
        "all passed",
    ]
    testing.sum_up(Outcome({"sip": Area(failed=1)}, ["fast", "e2e"]), 1.5)
    assert capsys.readouterr().out.splitlines()[-1] == "FAILED: fast, e2e"


WRITTEN = """
from pathlib import Path

import pytest

@pytest.mark.parametrize("number", range({count}))
def test_unsteady(number):
    seen = Path(__file__).with_suffix(f".{{number}}")
    first = not seen.exists()
    seen.touch()
    assert not first

def test_good():
    pass
{more}
"""
BROKEN = "def test_broken():\n    assert False"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("count", "more", "code", "area", "unsteady"),
    [
        (2, "", 0, Area(passed=3), 2),
        (1, BROKEN, 1, Area(passed=2, failed=1), 1),
        (3, "", 1, Area(passed=1, failed=3), 0),
    ],
)
def test_a_few_that_fail_are_run_once_more(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    more: str,
    code: int,
    area: Area,
    unsteady: int,
) -> None:
    monkeypatch.setattr(testing, "ARTEFACTS", tmp_path)
    path = tmp_path / "test_written.py"
    path.write_text(WRITTEN.format(count=count, more=more))
    outcome = Outcome()
    stage = Stage("written", "not e2e", testing.WITHOUT_SCHEMATHESIS, second_chances=2)
    assert testing.run_stage(stage, [str(path)], outcome) == code
    (found,) = outcome.areas.values()
    found.seconds = 0.0
    assert found == area
    assert len(outcome.unsteady) == unsteady


def test_debian_packages_are_listed_with_their_reasons() -> None:
    path = ROOT / "tests" / "debian-packages.txt"
    names = testing.listed(path)
    assert "sip-tester" in names
    assert all(" " not in name for name in names)


def test_dpkg_is_asked() -> None:
    assert testing.is_installed("dpkg")
    assert not testing.is_installed("fedsip-has-no-such-package")


@pytest.mark.e2e
def test_where_nothing_ran_nothing_passed() -> None:
    words = ["--fast", "-k", "no_such_test", "tests/contract/test_documents.py"]
    done = subprocess.run(
        [ROOT / "fedsip", "test", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "FAILED: nothing was tested"
