"""The processes of one machine: what starts each, and how its log says that it serves."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process to run for ever. `ready` is a regular expression for a line of its log."""

    name: str
    words: tuple[str, ...]
    ready: str
    stop_seconds: float = 8.0
    environment: Mapping[str, str] = field(default_factory=dict)


def all_processes(*, web_port: int, web_address: str) -> list[ProcessSpec]:
    """Relay, proxy, web and worker, in the order in which they start."""
    python = (sys.executable, "-P", "-m")
    return [
        ProcessSpec("relay", (*python, "media"), r"\bready\b"),
        ProcessSpec("proxy", (*python, "proxy"), r"\bready\b"),
        ProcessSpec(
            "web",
            (
                *(*python, "fedsip_platform.web_server", "--no-server-name"),
                *("-e", web_endpoint(web_port, web_address)),
                "fedsip_platform.asgi:application",
            ),
            r"Listening on TCP address",
        ),
        ProcessSpec(
            "worker",
            (
                *(*python, "celery", "-A", "fedsip_platform.celery", "worker"),
                *("--pool", "prefork", "--concurrency", "1", "--loglevel", "info"),
                "--beat",
            ),
            r"^ready worker",
            stop_seconds=20.0,
        ),
    ]


def web_endpoint(port: int, address: str) -> str:
    """Daphne's endpoint (a Twisted string) for HTTPS with our certificate."""
    key, certificate = os.environ["FEDSIP_TLS_KEY"], os.environ["FEDSIP_TLS_CERT"]
    return (
        f"ssl:{port}:privateKey={_escaped(key)}:certKey={_escaped(certificate)}"
        f":interface={_escaped(address)}"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace(":", "\\:").replace("=", "\\=")
