"""The layers of ARCHITECTURE.md, executed: nobody imports upwards, and the pure stay pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A package may import those of lower rank. `siblings` of the same rank do not know each other.
RANKS = {
    "media.ng": 0,
    "proxy.settings": 0,
    "proxy.native": 0,
    "proxy.sip": 1,
    "proxy.postgres": 2,
    "proxy.locate": 2,
    "proxy.relay": 2,
    "proxy.transport": 3,
    "proxy.directory": 3,
    "proxy.observe": 3,
    "proxy.location": 4,
    "proxy.core": 5,
    "proxy.state": 5,
    "proxy.node": 6,
    "proxy.routing": 6,  # routing and node know each other's names, for types alone
    "proxy.server": 7,
    "proxy.__main__": 8,
}
TOGETHER = {frozenset({"proxy.node", "proxy.routing"})}

# No sockets, no clock, no randomness, no logging: given in, handed out.
PURE = [
    "proxy/sip",
    "proxy/location/rules.py",
    "proxy/directory/destination_class.py",
    "proxy/directory/expression.py",
    "proxy/directory/federation_rules.py",
    "proxy/directory/header_lines.py",
    "proxy/directory/hours.py",
    "proxy/directory/leading.py",
    "proxy/directory/literals.py",
    "proxy/directory/numbers.py",
    "proxy/directory/patterns.py",
    "proxy/directory/routes.py",
    "proxy/directory/rules.py",
    "proxy/directory/samples.py",
    "proxy/directory/translate.py",
    "proxy/locate/enum.py",
    "proxy/locate/inside.py",
    "proxy/locate/rfc3263.py",
    "proxy/relay/profile.py",
    "proxy/relay/offer_answer.py",
    "proxy/observe/encoding.py",
    "proxy/observe/masking.py",
    "proxy/observe/media_report.py",
    "proxy/observe/message_frames.py",
    "proxy/observe/text.py",
    "proxy/transport/gateway_frames.py",
    "media/ng",
    "media/sdp",
    "media/rtp",
    "media/ice",
    "media/srtp",
    "media/dtls/fingerprint.py",
    "media/dtls/handshake.py",
    "media/bundle.py",
    "media/call.py",
    "media/circle.py",
    "media/connectivity.py",
    "media/dialogue.py",
    "media/endpoint.py",
    "media/exchange.py",
    "media/negotiate.py",
    "media/placing.py",
    "media/reach.py",
    "media/security.py",
    "media/stream.py",
    "media/verdict.py",
]
IMPURE = {"asyncio", "django", "logging", "os", "random", "secrets", "socket", "subprocess", "time"}

# Of the proxy, the Django project may see what is pure, its settings, and how it locates others.
SHARED = (
    "proxy.settings",
    "proxy.sip",
    "proxy.directory.carrier_secret",  # sealed here, opened where carriers ask
    "proxy.directory.destination_class",
    "proxy.directory.federation_rules",
    "proxy.directory.header_lines",
    "proxy.directory.hours",
    "proxy.directory.leading",
    "proxy.directory.samples",
    "proxy.directory.load",  # the views' columns; a rehearsal reads the rows that proxies have
    "proxy.directory.load_routes",
    "proxy.locate",  # what people are told of a domain is what calls find
    "proxy.transport.probe",
    "proxy.transport.tls",  # what is said of a certificate is what others' proxies find
    "proxy.directory.model",
    "proxy.directory.numbers",
    "proxy.directory.patterns",
    "proxy.directory.rules",
    "proxy.directory.translate",
    "proxy.transport.gateway_frames",
    "proxy.observe.message_frames",
)


def _files(where: str) -> Iterator[Path]:
    path = ROOT / where
    yield from [path] if path.suffix else sorted(path.rglob("*.py"))


@cache
def _imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports, by its full name; `from x import y` gives x and x.y."""
    return tuple(_each_import(path))


def _each_import(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = path.relative_to(ROOT).parent.parts
                above = parents[: len(parents) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_every_package_of_the_proxy_has_a_rank() -> None:
    found = {_package(_module(path)) for path in _files("proxy")} - {"proxy"}
    assert found <= set(RANKS)


def test_nobody_imports_upwards() -> None:
    upwards = set()
    for path in _files("proxy"):
        importer = _package(_module(path))
        for module in _imports(path):
            imported = _package(module)
            if imported == importer or imported not in RANKS or importer == "proxy":
                continue
            if frozenset({importer, imported}) in TOGETHER:
                continue
            if RANKS[imported] >= RANKS[importer]:
                upwards.add(f"{path.relative_to(ROOT)} imports {module}")
    assert not upwards


@pytest.mark.parametrize(
    ("where", "never"),
    [
        ("proxy", ("django", "fedsip_platform", "admin_ui")),
        ("media", ("django", "fedsip_platform", "admin_ui", "proxy")),
        ("admin_ui", ("proxy", "media")),
    ],
)
def test_processes_share_no_code(where: str, never: tuple[str, ...]) -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in _files(where)
        for module in _imports(path)
        if module.split(".")[0] in never
    }
    assert not found


def test_of_the_relay_the_proxy_sees_only_ng() -> None:
    modules = {module for path in _files("proxy") for module in _imports(path)}
    assert {_package(module) for module in modules if module.startswith("media.")} <= {"media.ng"}


def test_the_django_project_sees_only_what_is_pure() -> None:
    found = set()
    for path in _files("fedsip_platform"):
        allowed = (
            (*SHARED, "proxy.native", "media.settings", "media.forward.library")
            if "launch" in path.parts
            else SHARED
        )
        for module in _imports(path):
            ours = module.startswith(("proxy.", "media."))
            if ours and not _is_or_leads_to(module, allowed):
                found.add(f"{path.relative_to(ROOT)} imports {module}")
    assert not found


def _is_or_leads_to(module: str, allowed: tuple[str, ...]) -> bool:
    """`from proxy.directory import patterns` names proxy.directory on the way."""
    return any(
        module == name or module.startswith(name + ".") or name.startswith(module + ".")
        for name in allowed
    )


@pytest.mark.parametrize("where", PURE)
def test_the_pure_stay_pure(where: str) -> None:
    found = {
        f"{path.relative_to(ROOT)} imports {module}"
        for path in _files(where)
        for module in _imports(path)
        if module.split(".")[0] in IMPURE
    }
    assert not found
