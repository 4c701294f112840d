"""State folders and programs for the launcher's tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
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
