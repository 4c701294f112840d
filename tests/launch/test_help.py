"""`./fedsip help` names every command that there is, and none that there is not."""

from __future__ import annotations

import re

import pytest

from fedsip_platform.launch import __main__ as launcher
from fedsip_platform.launch.state import ROOT

COMMANDS = ROOT / "fedsip_platform" / "cli" / "management" / "commands"
OF_THE_LAUNCHER = {"prepare"}  # a word of `run`


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    launcher.main(["help"])
    printed = capsys.readouterr().out
    listed = set(re.findall(r"^  ([a-z]+)  +\S", printed, re.MULTILINE))
    there = {path.stem for path in COMMANDS.glob("[a-z]*.py")}
    assert listed == there - OF_THE_LAUNCHER


def test_help_lists_the_launcher_s_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    launcher.main(["--help"])
    printed = capsys.readouterr().out
    missing = [word for word in launcher.OWN_WORDS if not re.search(rf"\b{word}\b", printed)]
    assert missing == []
