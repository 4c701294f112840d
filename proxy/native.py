"""Which Python the proxy's hot modules run as: compiled by mypyc, or the sources themselves.

`./fedsip build` compiles the modules named here, unchanged, into FOLDER (fedsip_platform/launch/
compiler.py). `choose`, called before anything of them is imported, takes them from there; but only
if they were made from exactly these sources by this Python, or an edit would seem to do nothing.
Nothing behaves differently: tests/contract/test_native_parity.py runs the same tests on both.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = Path(sys.prefix) / "fedsip-native"
MARK: Final = "sources"
"""Lies in FOLDER when it is whole, and holds the fingerprint of what it was made from."""

PURE, STALE, COMPILED = "pure", "stale", "compiled"

_PACKAGES: Final = (
    "proxy/sip",
    "proxy/sip/transaction",
    "proxy/core",
    "proxy/routing",
    "proxy/locate",
    "proxy/relay",
    "proxy/location",
    "proxy/directory",
    "proxy/observe",
    "proxy/transport",
)
_NOT: Final = (
    "__init__.py",  # nothing runs in these two
    "protocols.py",
    "lines.py",  # lines.c is compiled in its place
    "feed.py",  # asynchronous generators, which mypyc does not have
    "load*.py",
    "asking_tls.py",  # makes an object without its constructor
    "log_lines.py",  # in use before it is chosen what is compiled
    # Where a message waits for something else, or never comes:
    *("pool.py", "client.py"),
    *("tls.py", "listening.py", "probe.py", "addresses.py", "explain.py", "blocks.py"),
    "authorities.py",
    "name_server.py",
    *("gateway_health.py", "hang_ups.py", "heartbeat.py", "spool.py", "journal.py", "sweep.py"),
    "hep_export.py",
)


_IN_C: Final = "proxy/sip/lines.c"


def sources(root: Path = ROOT) -> list[str]:
    """The files that are compiled, relative to the checkout: what a message passes."""
    found = [
        str(path.relative_to(root))
        for package in _PACKAGES
        for path in sorted((root / package).glob("*.py"))
    ]
    by_mypyc = [name for name in found if not any(Path(name).match(other) for other in _NOT)]
    return [*by_mypyc, *([_IN_C] if (root / _IN_C).exists() else [])]


def fingerprint(root: Path = ROOT) -> str:
    """One hash over this Python, and names and contents of the sources."""
    digest = hashlib.sha256(sys.version.encode())
    for name in sources(root):
        content = hashlib.sha256((root / name).read_bytes()).hexdigest()
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


def state(folder: Path = FOLDER, root: Path = ROOT) -> str:
    """COMPILED: what is there was made from these sources; STALE: from others; PURE: nothing is."""
    mark = folder / MARK
    if not mark.exists():
        return PURE
    return COMPILED if mark.read_text().strip() == fingerprint(root) else STALE


def choose(*, pure: bool, folder: Path = FOLDER) -> str:
    """Import the compiled modules from now on, if they may be used; returns what was found, PURE
    where it was wished."""
    found = PURE if pure else state(folder)
    if found == COMPILED:
        sys.meta_path.insert(0, finder(folder))
    return found


def finder(folder: Path) -> MetaPathFinder:
    """What finds the modules that were compiled into a folder."""
    return _Finder(folder)


class _Finder(MetaPathFinder):
    """Finds a module in a folder of extension modules, by its whole name."""

    def __init__(self, folder: Path) -> None:
        self._files = {
            ".".join(path.relative_to(folder).parts).removesuffix(EXTENSION_SUFFIXES[0]): path
            for path in folder.rglob("*" + EXTENSION_SUFFIXES[0])
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)
