"""Debian's rtpengine in user space, as a relay for our proxy or beside ours in a bench."""

from __future__ import annotations

from pathlib import Path

from tests.harness.processes import Program, free_port


def rtpengine(
    folder: Path,
    *,
    ng_port: int,
    interfaces: tuple[str, ...] = ("127.0.0.1",),
    ports: tuple[int, int] = (50500, 52999),
    namespace: str | None = None,
    threads: int | None = None,
) -> Program:
    """Start it in the foreground, listening for NG on 127.0.0.1; wait until it serves."""
    folder.mkdir(parents=True, exist_ok=True)
    # fmt: off
    program = Program(
        ["rtpengine", "--foreground", "--log-stderr", "--log-level=6", "--table=-1",
         f"--listen-ng=127.0.0.1:{ng_port}", f"--listen-cli=127.0.0.1:{free_port()}",
         *(f"--interface={address}" for address in interfaces),
         f"--port-min={ports[0]}", f"--port-max={ports[1]}",
         *([f"--num-threads={threads}"] if threads else []),
         f"--pidfile={folder / 'rtpengine.pid'}"],
        log=folder / "rtpengine.log", namespace=namespace,
    )
    # fmt: on
    program.awaits(r"Startup complete")
    return program
