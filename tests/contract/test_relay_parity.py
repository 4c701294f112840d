"""The relay's engine in C does what the one in Python does: the same tests pass on both."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fedsip_platform.launch import relay_compiler
from fedsip_platform.launch.state import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


@pytest.mark.parametrize(
    "tests",
    [
        "tests/media/test_server.py",
        "tests/media/test_encrypted_server.py tests/media/test_lossy_link.py",
        "tests/media/test_aiortc.py tests/media/test_capture.py tests/media/test_janus.py",
        "tests/e2e/test_encrypted_calls.py",
        "tests/e2e/test_browser_and_desk_phone.py",
        "tests/e2e/test_nat.py",
        "tests/e2e/test_browser_among_phones.py tests/e2e/test_one_port_for_browsers.py",
    ],
)
def test_the_native_engine_passes_the_same_tests(tests: str) -> None:
    assert relay_compiler.prepare() == ""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests.split()],
        cwd=ROOT,
        env={**os.environ, "TESTED_ENGINE": "native"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
