"""baresip as a phone: headless, driven through its ctrl_tcp module, events awaited."""

from __future__ import annotations

import itertools
import json
import queue
import re
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.harness import sound
from tests.harness.closing import Closing
from tests.harness.processes import PeerFailed, Program, free_port
from tests.harness.waiting import wait_until

_CONFIG = """\
poll_method epoll
sip_listen {address}:{port}
sip_verify_server no
call_max_calls 4
call_local_timeout {ring_seconds}
audio_source aufile,{play}
audio_player aubridge,nil{port}
audio_alert aubridge,alert{port}
snd_path {folder}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_timeout 0
{interface}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module sndfile.so
module aubridge.so
module srtp.so
module dtls_srtp.so
module ice.so
module_app account.so
module_app ctrl_tcp.so
module_app menu.so
ctrl_tcp_listen {control_address}:{control}
"""

_LATE = 2 * sound.RATE
"""Samples at the end of a recording that are what it hears now."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a person types into the phone."""

    user: str
    domain: str
    password: str
    proxy: str
    """Outbound proxy as a SIP URI with its transport, `sip:127.0.0.1:5060;transport=udp`."""
    extra: str = ""
    """Further account parameters of baresip, each beginning with `;`."""

    @property
    def aor(self) -> str:
        return f"sip:{self.user}@{self.domain}"


class Baresip(Closing):
    """One phone. Plays its own sound, and records what it hears."""

    def __init__(
        self,
        account: Account,
        folder: Path,
        *,
        seed: int,
        address: str = "127.0.0.1",
        namespace: str | None = None,
        answers: bool = False,
        interface: str = "127.0.0.1",
        ring_seconds: int = 120,
        register_seconds: int = 60,
        sound_seconds: float = 60.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.account = account
        self.folder = folder
        self.played = sound.write_speechlike(folder / "play.wav", seed=seed, seconds=sound_seconds)
        self._namespace = namespace
        self._bridges = itertools.count()
        port = free_port(pair=True) if namespace is None else 5060
        self.port = port
        control = free_port() if namespace is None else 4444
        self._control = ("127.0.0.1" if namespace is None else address, control)
        (folder / "config").write_text(
            _CONFIG.format(
                address=address,
                port=port,
                play=self.played,
                folder=folder,
                ring_seconds=ring_seconds,
                interface=f"net_interface {interface}" if interface else "",
                control=control,
                control_address=self._control[0],
            )
        )
        mode = ";answermode=auto" if answers else ""
        (folder / "accounts").write_text(
            f"<{account.aor}>;auth_user={account.user};auth_pass={account.password}"
            f';outbound="{account.proxy}";regint={register_seconds};audio_codecs=PCMU'
            f"{mode}{account.extra}\n"
        )
        (folder / "contacts").write_text("")
        version = "-6" if ":" in address else "-4"
        self.program = Program(
            ["stdbuf", "-oL", "baresip", version, "-v", "-s", "-f", folder],
            log=folder / "baresip.log",
            namespace=namespace,
        )
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.program.awaits(r"baresip is ready")
        self._socket = self._connect()
        threading.Thread(target=self._read, daemon=True).start()

    def _connect(self) -> socket.socket:
        if self._namespace is None:
            return socket.create_connection(self._control, timeout=60)
        from tests.harness.namespaces import connect_inside

        return connect_inside(self._namespace, self._control)

    def _read(self) -> None:
        held = b""
        self._socket.settimeout(None)
        while True:
            try:
                part = self._socket.recv(65536)
            except OSError:
                return
            if not part:
                return
            held += part
            while b":" in held:
                size, _, rest = held.partition(b":")
                if len(rest) < int(size) + 1:
                    break
                message = json.loads(rest[: int(size)].decode(errors="replace"))
                held = rest[int(size) + 1 :]
                (self._events if message.get("event") else self._answers).put(message)

    def command(self, name: str, params: str = "") -> str:
        """Run one command of baresip's menu and return its printed answer."""
        wire = json.dumps({"command": name, "params": params, "token": "t"}).encode()
        self._socket.sendall(b"%d:%s," % (len(wire), wire))
        try:
            return str(self._answers.get(timeout=60).get("data", ""))
        except queue.Empty:
            raise PeerFailed(f"baresip did not answer {name!r}:\n{self.tail()}") from None

    def awaits(
        self, kind: str, *, within: float = 60.0, other: str | None = None
    ) -> dict[str, Any]:
        """Return the next event of that type; `other` names one that fails the wait at once."""
        seen: list[str] = []
        deadline = time.monotonic() + within
        while True:
            try:
                event = self._events.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise PeerFailed(
                    f"{self.account.user}: no {kind}; saw {seen}\n{self.tail()}"
                ) from None
            seen.append(f"{event['type']} {event.get('param', '')}")
            if event["type"] == kind:
                return event
            if event["type"] == other:
                raise PeerFailed(f"{self.account.user}: {seen[-1]}, not {kind}\n{self.tail()}")

    def registers(self) -> None:
        """Wait for the 200; read from the log, since the event may precede our control link."""
        aor = re.escape(f"{self.account.user}@{self.account.domain}")
        said = self.program.awaits(rf"{aor}: (?:\{{.*\[\d+ binding|.*(?:[45]\d\d .*|[Ff]ailed))")
        if "binding" not in said.group():
            raise PeerFailed(f"{self.account.user} did not register: {said.string}")

    def refused(self) -> str:
        """Wait for a refused registration and return the line that says it."""
        return self.program.awaits(r"reg: .*(?:[45]\d\d )|: [45]\d\d ").string

    def dials(self, address: str) -> None:
        self.command("dial", address)

    def accepts(self) -> None:
        self.awaits("CALL_INCOMING")
        self.command("accept")

    def established(self) -> None:
        self.awaits("CALL_ESTABLISHED", other="CALL_CLOSED")

    def closed(self) -> str:
        """Wait for the end of the call; baresip's reason."""
        return str(self.awaits("CALL_CLOSED").get("param", ""))

    def presses(self, key: str) -> None:
        """Send a tone as an event of RFC 4733."""
        self.command("sndcode", key)

    def call_id(self) -> str:
        """Of the newest call that it has had, as far as its log is written by now."""
        said = self.program.text()
        *_, last = re.finditer(r"INVITE sip:.*?^Call-ID: (\S+)\s", said, re.DOTALL | re.MULTILINE)
        return last.group(1)

    def recording(self) -> Path:
        """The newest file with what this phone heard."""
        files = sorted(self.folder.glob("*-dec.wav"), key=lambda path: path.stat().st_mtime)
        if not files:
            raise PeerFailed(f"{self.account.user} recorded nothing\n{self.tail()}")
        return files[-1]

    def forgets_what_it_heard(self) -> None:
        """Take its recordings away, so that the next call is not judged by them."""
        for path in self.folder.glob("*-dec.wav"):
            path.unlink()

    def hears(self, played: Path) -> float:
        """Likeness of what it has heard with that sound; 0 before it hears anything."""
        files = list(self.folder.glob("*-dec.wav"))
        return sound.likeness(played, self.recording()) if files else 0.0

    def hears_now(self, played: Path) -> None:
        """Wait until it hears that sound and not its own, from now on.

        Meanwhile it sends what it hears instead of its own sound, and records what it sends:
        baresip 1.0 ends its recording of what it hears at the first re-INVITE. Afterwards it plays
        its own from the beginning.
        """
        file = max(self.folder.glob("*-enc.wav"), key=lambda path: path.stat().st_mtime)
        begun = sound.read(file).size
        bridge = f"aubridge,heard{next(self._bridges)}"  # one that was left gives no more
        self.command("auplay", bridge)
        self.command("ausrc", bridge)

        def is_heard() -> bool:
            late = max(begun, sound.read(file).size - _LATE)
            if sound.likeness(self.played, file, after=late) > sound.NOT_HEARD:
                return False
            return sound.likeness(played, file, after=late) > sound.HEARD

        wait_until(is_heard, f"{self.account.user} hears the other\n{self.tail()}")
        self.command("ausrc", f"aufile,{self.played}")

    def tail(self) -> str:
        return self.program.tail(60)

    def stop(self) -> None:
        self._socket.close()
        self.program.stop(within=3)

    def close(self) -> None:
        self.stop()


def desks_hear(one: Baresip, other: Baresip) -> None:
    """Wait until two desk phones in a call hear each other from now on."""
    one.hears_now(other.played)
    other.hears_now(one.played)
