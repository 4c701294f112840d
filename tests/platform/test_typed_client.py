"""A typed client is generated from the API's description, and a program that uses it provisions a
tenant; mypy --strict finds nothing in that program."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from drf_spectacular.generators import SchemaGenerator

from fedsip_platform.api import tokens
from fedsip_platform.tenants.models import Person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

PROGRAM = Path(__file__).with_name("typed_provisioning.py")
# What the generator has no name for is read as what it is.
CONFIG = {
    "content_type_overrides": {
        "application/vnd.tcpdump.pcap": "application/octet-stream",
        "application/x-ndjson": "text/plain",
        "text/csv": "text/plain",
    }
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package fedsip_client."""
    folder = tmp_path_factory.mktemp("client")
    description, config = folder / "schema.json", folder / "config.json"
    schema = SchemaGenerator().get_schema(request=None, public=True)
    description.write_text(json.dumps(schema, default=str))
    config.write_text(json.dumps(CONFIG))
    words = ["generate", "--path", description, "--config", config, "--meta", "none"]
    done = run("openapi_python_client", *words, "--output-path", folder / "fedsip_client")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout, done.stdout
    return folder


@pytest.fixture
def provisioning(generated: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The program, with the generated client in its path."""
    monkeypatch.syspath_prepend(str(generated))
    spec = importlib.util.spec_from_file_location("typed_provisioning", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "typed_provisioning", module)
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] == "fedsip_client"]:
        del sys.modules[name]


def test_a_tenant_is_provisioned_by_the_client(
    provisioning: ModuleType, application: Callable[..., Any], operator: Person
) -> None:
    from fedsip_client import AuthenticatedClient

    _, token = tokens.create(operator, "provisioning", "write")
    client = AuthenticatedClient(
        base_url="https://localhost",
        token=token,
        httpx_args={"transport": httpx.WSGITransport(application)},
    )
    found = provisioning.provision(client)
    assert found.users == ["homer@globex.example", "lenny@globex.example"]
    assert found.require_tls
    assert (found.used["users"], found.used["rules"], found.used["domains"]) == (2, 1, 1)
    assert found.secret
    assert (found.refusal.status, found.refusal.title) == (404, "Not Found")
    with pytest.raises(provisioning.Refused) as refused:
        provisioning.provision(client)
    assert [each.field for each in refused.value.problem.errors] == ["slug"]


def test_the_program_is_typed(generated: Path) -> None:
    words = ["--strict", "--python-version", "3.11", "--config-file", "", "--cache-dir"]
    checked = run(
        "mypy", *words, generated / "cache", "--follow-imports", "silent", PROGRAM, path=generated
    )
    assert checked.returncode == 0, checked.stdout


def run(module: str, *words: str | Path, path: Path | None = None) -> Any:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(Path(sys.executable).parent)} | ({"MYPYPATH": str(path)} if path else {}),
    )
