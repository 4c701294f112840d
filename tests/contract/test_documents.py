"""Documents name only files and commands that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch.__main__ import HELP

ROOT = Path(__file__).resolve().parents[2]
DOCS = (
    "api",
    *("behaviour", "cli", "federation", "first-steps", "operations", "rules", "softphone"),
    *("moving-from-opensips", "performance", "trunks"),
)
PAGES = ["README.md", "ARCHITECTURE.md", *(f"docs/{name}.md" for name in DOCS)]
NAMED = re.compile(
    r"`((?:proxy|media|fedsip_platform|admin_ui|tests|docker|docs)/[A-Za-z0-9_./{},-]*)`"
)
MADE_BY_RUNNING = {"tests/artefacts/"}
WORD = re.compile(r"(?:\./|`)fedsip ([a-z]+)")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    named = {path for path in NAMED.findall((ROOT / page).read_text()) if "{" not in path}
    missing = {path for path in named if not (ROOT / path).exists()}
    assert missing - MADE_BY_RUNNING == set()


def test_every_command_is_described() -> None:
    commands = ROOT / "fedsip_platform" / "cli" / "management" / "commands"
    words = {path.stem for path in commands.glob("*.py")} - {"__init__"}
    described = set(WORD.findall((ROOT / "docs" / "cli.md").read_text()))
    assert words <= described


@pytest.mark.parametrize("page", PAGES)
def test_every_command_named_exists(page: str) -> None:
    commands = ROOT / "fedsip_platform" / "cli" / "management" / "commands"
    known = {path.stem for path in commands.glob("*.py")}
    known |= set(WORD.findall(HELP)) | {"help", "migrate", "shell", "dbshell"}
    named = set(WORD.findall((ROOT / page).read_text()))
    assert named <= known | {"down", "logs", "run"}


def test_the_changelog_begins_with_what_is_not_released() -> None:
    lines = (ROOT / "CHANGELOG.md").read_text().splitlines()
    headings = [line for line in lines if line.startswith("## ")]
    assert headings[0] == "## Unreleased"


def test_the_launcher_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fedsip_platform.launch", "help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == HELP
