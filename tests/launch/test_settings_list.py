"""The list of all settings, gathered from the typed settings."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fedsip_platform.launch import preflight, settings_list
from fedsip_platform.launch.problem import BAD_SETTING, Problem

ROOT = Path(__file__).resolve().parents[2]


def test_the_documentation_is_current() -> None:
    written = (ROOT / "docs" / "settings.md").read_text()
    assert written == settings_list.markdown(), "run ./fedsip settings --markdown >docs/settings.md"


def test_every_setting_says_what_it_is_for() -> None:
    for setting in settings_list.gathered():
        assert setting.text.endswith("."), setting.name
        assert setting.read_by, setting.name


@pytest.mark.parametrize(
    "name",
    [
        "DATABASE_URL",
        "FEDSIP_BROKER_URL",
        "FEDSIP_CLUSTER_KEY",
        "FEDSIP_HOSTNAME",
        "FEDSIP_LOG_LEVEL",
        "FEDSIP_MEDIA_NG",
        "FEDSIP_NODE_ID",
        "FEDSIP_SIP_PORT",
        "FEDSIP_STATE_DIR",
        "FEDSIP_TLS_CERT",
        "FEDSIP_TLS_KEY",
        "FEDSIP_WEB_PORT",
        "FEDSIP_WEB_SECRET_KEY",
    ],
)
def test_what_is_documented_elsewhere_exists(name: str) -> None:
    assert name in settings_list.names()


@pytest.mark.parametrize("page", ["README.md", "docs/first-steps.md", "docs/cli.md"])
def test_pages_name_no_setting_that_does_not_exist(page: str) -> None:
    named = set(re.findall(r"FEDSIP_[A-Z0-9_]*[A-Z0-9]", (ROOT / page).read_text()))
    assert named <= settings_list.names()


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(Problem) as raised:
        preflight.refuse_unknown_names({"FEDSIP_SIP_PROT": "5070"}, settings_list.names())
    assert raised.value.message.startswith(
        "FEDSIP_SIP_PROT is no setting of fedsip; did you mean FEDSIP_SIP_PORT?"
    )
    assert raised.value.exit_code == BAD_SETTING


def test_other_names_are_nobody_elses_business() -> None:
    preflight.refuse_unknown_names({"HOME": "/root", "FED": "1"}, settings_list.names())


def test_the_terminal_shows_them_all(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fedsip_platform.launch", "settings"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in done.stdout for name in settings_list.names())
