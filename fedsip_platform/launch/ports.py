"""Ports that must be free before anything starts, and who holds them if they are not."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fedsip_platform.launch.problem import Problem

_KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


@dataclass(frozen=True, slots=True)
class Port:
    """One port that a process will listen on, and the setting that moves it elsewhere."""

    protocol: str  # "udp" or "tcp"
    address: str
    number: int
    process: str
    setting: str


def refuse_taken(ports: Iterable[Port]) -> None:
    """Raise a Problem for the first port that cannot be bound, naming its holder if seen."""
    for port in ports:
        error = _bind_error(port)
        if error is None:
            continue
        where = f"{port.protocol.upper()} port {port.number} on {port.address}"
        if error == errno.EADDRINUSE:
            raise Problem(
                f"{where}, which {port.process} needs, is in use by "
                f"{holder_text(port)}; stop that, or set {port.setting}"
            )
        if error == errno.EACCES:
            raise Problem(
                f"{where}, which {port.process} needs, is only for root; "
                f"start fedsip with sudo, or set {port.setting} to a number above 1023"
            )
        if error == errno.EADDRNOTAVAIL:
            raise Problem(
                f"{port.address} is no address of this machine; {port.process} cannot listen there"
            )
        raise Problem(f"{where} cannot be opened for {port.process}: {os.strerror(error)}")


def holder_text(port: Port) -> str:
    """Name and number of the process behind a port, as far as this user may see it."""
    inodes = set(_inodes(port))
    if not inodes:
        return "another process"
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and _holds(folder, inodes):
            name = (folder / "comm").read_text().strip()
            return f"{name} (process {folder.name})"
    return "a process of another user"


def _bind_error(port: Port) -> int | None:
    is_v6 = ipaddress.ip_address(port.address).version == 6
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    with socket.socket(family, _KINDS[port.protocol]) as probe:
        if is_v6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if port.protocol == "tcp":  # connections in TIME_WAIT do not matter
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
            if port.protocol == "tcp":
                probe.listen(1)
        except OSError as error:
            return error.errno
    return None


def _inodes(port: Port) -> Iterable[str]:
    """Socket inodes of listeners on that number, from /proc/net (local address is column 2)."""
    listening = "0A" if port.protocol == "tcp" else "07"
    for table in (port.protocol, port.protocol + "6"):
        try:
            lines = Path("/proc/net", table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            columns = line.split()
            number = int(columns[1].rpartition(":")[2], 16)
            if number == port.number and columns[3] == listening:
                yield columns[9]


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        for link in (process / "fd").iterdir():
            target = os.readlink(link)
            if target.startswith("socket:[") and target[8:-1] in inodes:
                return True
    except OSError:  # it ended, or belongs to somebody else
        return False
    return False
