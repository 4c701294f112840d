"""Network namespaces: a small internet with phones behind NATs, made and removed by a test.

    home A (10.61.1.0/24) - NAT A - 198.51.100.0/24 (the street) - platform
    home B (10.61.2.0/24) - NAT B -'

Every namespace is named `fs<pid>-...`; nothing outside them carries a packet of the test.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

from tests.harness.closing import Closing

_CLONE_NEWNET = 0x40000000
Made = TypeVar("Made")

STREET = "198.51.100"
PLATFORM_ADDRESS = f"{STREET}.10"

_NAT = """\
table ip nat {{
  chain post {{
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade {mode}
  }}
}}
table ip filter {{
  chain forward {{
    type filter hook forward priority filter; policy drop;
    iifname "lan" accept
    ct state established,related accept
  }}
}}
"""


def run(*words: str, stdin: str | None = None) -> str:
    """Run one command; its words and what it printed are in the error when it fails."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def inside(namespace: str, make: Callable[[], Made]) -> Made:
    """What `make` returns when it is called by a thread that has entered the namespace: a socket
    belongs to where it was made."""
    made: list[Made] = []
    failures: list[OSError] = []

    def enter() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        handle = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
        try:
            if libc.setns(handle, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"setns {namespace}")
            made.append(make())
        except OSError as error:
            failures.append(error)
        finally:
            os.close(handle)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return made[0]


def connect_inside(namespace: str, address: tuple[str, int]) -> socket.socket:
    """A TCP connection from within the namespace."""
    return inside(namespace, lambda: socket.create_connection(address, timeout=60))


@dataclass(frozen=True, slots=True)
class Home:
    """A house behind a NAT: phones start in `namespace` at `address`."""

    namespace: str
    router: str
    address: str
    public: str


class Street(Closing):
    """The platform's namespace and any number of homes, gone at the end of the block."""

    def __init__(self) -> None:
        self._prefix = f"fs{os.getpid() % 100000}"
        self.platform = f"{self._prefix}-platform"
        self._bridge = f"{self._prefix}-street"
        self._made: list[str] = []

    def __enter__(self) -> Self:
        self._namespace(self._bridge)
        self._in(self._bridge, "ip", "link", "add", "street", "type", "bridge")
        self._in(self._bridge, "ip", "link", "set", "street", "up")
        self._namespace(self.platform)
        self._plug(self.platform, "wan", f"{PLATFORM_ADDRESS}/24")
        return self

    def close(self) -> None:
        for name in reversed(self._made):
            run("ip", "netns", "del", name)

    def home(self, number: int, *, mode: str = "") -> Home:
        """A home with one phone; `mode` is nftables' way of masquerading, `random` for instance."""
        router = f"{self._prefix}-nat{number}"
        inside = f"{self._prefix}-home{number}"
        public = f"{STREET}.{100 + number}"
        self._namespace(router)
        self._namespace(inside)
        self._plug(router, "wan", f"{public}/24")
        run("ip", "link", "add", "lan", "netns", router, "type", "veth",
            "peer", "name", "eth0", "netns", inside)  # fmt: skip
        self._in(router, "ip", "addr", "add", f"10.61.{number}.1/24", "dev", "lan")
        self._in(router, "ip", "link", "set", "lan", "up")
        self._in(router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        self._in(inside, "ip", "addr", "add", f"10.61.{number}.2/24", "dev", "eth0")
        self._in(inside, "ip", "link", "set", "eth0", "up")
        self._in(inside, "ip", "route", "add", "default", "via", f"10.61.{number}.1")
        run("ip", "netns", "exec", router, "nft", "-f", "-", stdin=_NAT.format(mode=mode))
        return Home(inside, router, f"10.61.{number}.2", public)

    def _namespace(self, name: str) -> None:
        run("ip", "netns", "add", name)
        self._made.append(name)
        self._in(name, "ip", "link", "set", "lo", "up")

    def _plug(self, name: str, device: str, address: str) -> None:
        """One more cable from `name` into the street's bridge."""
        port = f"p{len(self._made)}"
        run("ip", "link", "add", device, "netns", name, "type", "veth",
            "peer", "name", port, "netns", self._bridge)  # fmt: skip
        self._in(self._bridge, "ip", "link", "set", port, "master", "street", "up")
        self._in(name, "ip", "addr", "add", address, "dev", device)
        self._in(name, "ip", "link", "set", device, "up")

    @staticmethod
    def _in(name: str, *words: str) -> None:
        run("ip", "netns", "exec", name, *words)
