"""Janus, a WebRTC server with an ICE and a DTLS of its own, as a peer: its echo test.

It is spoken to by JSON over a Unix socket, one message a packet; answers come back with the
`transaction` of their request, what the plugin says later as events.
"""

from __future__ import annotations

import json
import socket
from itertools import count
from pathlib import Path
from typing import Any

from tests.harness.closing import Closing
from tests.harness.processes import PeerFailed, Program

_LIBRARIES = "/usr/lib/x86_64-linux-gnu/janus"
_PLUGIN = "janus.plugin.echotest"
_BOUND_SECONDS = 60.0
_LARGEST = 65_536
_STARTS = 20


def janus(folder: Path, *, address: str, ports: tuple[int, int], namespace: str) -> Program:
    """Start it with nothing but the echo test. Its ICE passes over loopback, so it wants an address
    of a namespace."""
    folder.mkdir(parents=True, exist_ok=True)
    others = [
        path.name
        for kind in ("plugins", "transports")
        for path in Path(_LIBRARIES, kind).glob("*.so")
        if path.name not in ("libjanus_echotest.so", "libjanus_pfunix.so")
    ]
    (folder / "janus.jcfg").write_text(f"""
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{_LIBRARIES}/plugins"
  transports_folder = "{_LIBRARIES}/transports"
  events_folder = "{folder}/none"
  loggers_folder = "{folder}/none"
  interface = "{address}"
  debug_level = 4
}}
media: {{ rtp_port_range = "{ports[0]}-{ports[1]}" }}
nat: {{ ice_enforce_list = "{address}" }}
plugins: {{ disable = "{",".join(others)}" }}
transports: {{ disable = "{",".join(others)}" }}
""")
    (folder / "janus.transport.pfunix.jcfg").write_text(f"""
general: {{
  enabled = true
  json = "compact"
  path = "{folder}/janus.sock"
  type = "SOCK_SEQPACKET"
}}
admin: {{ admin_enabled = false }}
""")
    for number in range(_STARTS):
        program = Program(
            ["janus", f"--configs-folder={folder}"],
            log=folder / f"janus{number}.log",
            namespace=namespace,
        )
        program.awaits(r"transport plugin initialized")
        if _answers(folder):
            return program
        program.kill()
    raise PeerFailed("Janus never serves")


def _answers(folder: Path) -> bool:
    """Whether it serves: its thread for the socket ends at once where that begins before the plugin
    says that it is ready, and Janus with it."""
    try:
        EchoTest(folder).close()
    except (OSError, ValueError):
        return False
    return True


class EchoTest(Closing):
    """One WebRTC connection to Janus, which sends back whatever it hears."""

    def __init__(self, folder: Path) -> None:
        self.is_up = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_BOUND_SECONDS)
        self._socket.connect(str(folder / "janus.sock"))
        self._numbers = count(1)
        self._session = self._asks(janus="create")["data"]["id"]
        attached = self._asks(janus="attach", session_id=self._session, plugin=_PLUGIN)
        self._handle = attached["data"]["id"]

    def answer(self, offer: bytes, *, restart: bool = False) -> bytes:
        """Its answer to an offer: with all candidates in it."""
        self._says(
            janus="message",
            session_id=self._session,
            handle_id=self._handle,
            body={"audio": True, "video": True},
            jsep={"type": "offer", "sdp": offer.decode(), "ice_restart": restart},
        )
        return str(self._awaits(lambda one: "jsep" in one)["jsep"]["sdp"]).encode()

    def comes_up(self) -> None:
        """Wait until Janus itself says that ICE and DTLS are through."""
        if not self.is_up:
            self._awaits(lambda one: one.get("janus") == "webrtcup")

    def close(self) -> None:
        self._socket.close()

    def _asks(self, **message: Any) -> dict[str, Any]:
        transaction = self._says(**message)
        return self._awaits(lambda one: one.get("transaction") == transaction)

    def _says(self, **message: Any) -> str:
        transaction = f"t{next(self._numbers)}"
        self._socket.send(json.dumps({**message, "transaction": transaction}).encode())
        return transaction

    def _awaits(self, is_wanted: Any) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = json.loads(self._socket.recv(_LARGEST))
            if found.get("janus") in ("error", "hangup"):
                raise PeerFailed(f"Janus: {found}")
            self.is_up |= found.get("janus") == "webrtcup"
            if is_wanted(found):
                return found
