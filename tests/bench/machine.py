"""What benches ask of the machine: a folder for the time that they take, and open files."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """One that PostgreSQL's own user may pass through."""
    with tempfile.TemporaryDirectory(prefix="fedsip-bench-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        yield folder


def open_as_many_files_as_may_be() -> None:
    """Raise the limit of this process, and of those it starts, to the highest allowed."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
