"""State folders and programs for the launcher's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fedsip_platform.launch.state import StateFolder


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that every user may enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="fedsip-launch-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def state(folder: Path) -> Iterator[StateFolder]:
    state = StateFolder(folder)
    state.make()
    yield state
    state.unlock()


@pytest.fixture
def environment() -> dict[str, str]:
    """What a process needs of ours, and nothing of fedsip's settings."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}


@pytest.fixture
def settings_from(folder: Path, environment: dict[str, str]) -> Callable[[int], dict[str, str]]:
    """Settings of a platform in `folder / "var"` on ports from this one on: SIP, TLS, web, NG, and
    50 for sound."""

    def made(first: int) -> dict[str, str]:
        return environment | {
            "FEDSIP_STATE_DIR": str(folder / "var"),
            "FEDSIP_SIP_PORT": str(first),
            "FEDSIP_SIP_TLS_PORT": str(first + 1),
            "FEDSIP_WEB_PORT": str(first + 2),
            "FEDSIP_MEDIA_NG": f"127.0.0.1:{first + 3}",
            "FEDSIP_SIP_RELAYS": f"127.0.0.1:{first + 3}",
            "FEDSIP_MEDIA_PORTS": f"{first + 10}-{first + 59}",
        }

    return made
