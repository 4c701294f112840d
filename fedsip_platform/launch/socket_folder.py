"""Private folders for unix sockets, whose paths the kernel bounds to 107 bytes; where PostgreSQL's
client is told one, a comma ends it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MAX_PATH = 107


def make(beside: Path, longest_name: str) -> Path:
    """`beside` itself where its path will do, else a new folder under /tmp; mode 0700."""
    if len(os.fsencode(beside / longest_name)) <= MAX_PATH and "," not in str(beside):
        beside.mkdir(parents=True, exist_ok=True)
        beside.chmod(0o700)
        return beside
    return Path(tempfile.mkdtemp(prefix=f"fedsip-{beside.parent.name}-", dir="/tmp"))


def remove(folder: Path, beside: Path) -> None:
    """Remove a folder that `make` put under /tmp; one beside the data stays."""
    if folder != beside:
        shutil.rmtree(folder, ignore_errors=True)
