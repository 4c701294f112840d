"""linphone as a phone: headless, driven through its daemon's socket, states awaited."""

from __future__ import annotations

import os
import re
import socket
from pathlib import Path

from tests.harness.baresip import Account
from tests.harness.closing import Closing
from tests.harness.processes import PeerFailed, Program, free_port
from tests.harness.waiting import wait_until

_CONFIG = """\
[sip]
sip_port=0
sip_tcp_port={port}
sip_tls_port=0
bind_address=127.0.0.1
media_encryption={encryption}
media_encryption_mandatory={mandatory}
default_proxy=0
[misc]
user_certificates_path={folder}
[rtp]
audio_rtp_port={media}
[auth_info_0]
username={user}
passwd={password}
realm={domain}
domain={domain}
[proxy_0]
reg_proxy=<{proxy}>
reg_route=<{proxy};lr>
reg_identity=sip:{user}@{domain}
reg_expires=600
reg_sendregister=1
"""


class Linphone(Closing):
    """One phone, by TCP. `encryption` is none, srtp or dtls, and then it takes nothing else."""

    def __init__(self, account: Account, folder: Path, *, encryption: str = "none") -> None:
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        self.account = account
        port = free_port()
        config = folder / "linphonerc"
        config.write_text(
            _CONFIG.format(
                port=port,
                media=free_port(pair=True),
                encryption=encryption,
                mandatory=int(encryption != "none"),
                folder=folder,
                user=account.user,
                password=account.password,
                domain=account.domain,
                proxy=account.proxy,
            )
        )
        pipe = f"fedsip-{os.getpid()}-{port}"
        self.log = folder / "linphone.log"
        self.program = Program(
            ["linphone-daemon", "--config", config, "--pipe", pipe, "--log", self.log,
             "--disable-stats-events"],
            log=folder / "output.log",
            env={**os.environ, "HOME": str(folder)},
        )  # fmt: skip
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(20)
        self._path = Path("/tmp", pipe)  # the daemon knows no other folder
        # The socket is there before anybody listens at it.
        wait_until(lambda: self._socket.connect_ex(str(self._path)) == 0, "linphone listens")

    def command(self, words: str) -> str:
        """Run one command of the daemon and return its answer; raises PeerFailed."""
        self._socket.sendall(words.encode() + b"\n")
        answer = self._socket.recv(65536).decode(errors="replace")
        if not answer.startswith("Status: Ok"):
            raise PeerFailed(f"{self.account.user}: {words!r}: {answer}\n{self.tail()}")
        return answer

    def registers(self) -> None:
        wait_until(
            lambda: "LinphoneRegistrationOk" in self.command("register-status ALL"),
            f"{self.account.user} is registered\n{self.tail()}",
        )

    def dials(self, address: str) -> str:
        """Begin a call and return its id."""
        return self._id(self.command(f"call {address}"))

    def is_in(self, state: str) -> str:
        """Wait until a call has come into that state (`IncomingReceived`, `End`, ...); its id."""
        seen: list[str] = []

        def came() -> bool:
            seen.append(self.command("pop-event"))
            return f"Event: LinphoneCall{state}" in seen[-1]

        wait_until(came, f"{self.account.user} has a call in {state}")
        return self._id(seen[-1])

    def accepts(self) -> str:
        """Answer the next call that comes, and return its id once there is sound."""
        call = self.is_in("IncomingReceived")
        self.command(f"answer {call}")
        assert self.is_in("StreamsRunning") == call
        return call

    def says(self, address: str, text: str) -> None:
        """Send a MESSAGE."""
        self.command(f"message {address} {text}")

    def plays(self, sound: Path, call: str) -> None:
        self.command(f"incall-player-start {sound} {call}")

    @staticmethod
    def _id(answer: str) -> str:
        found = re.search(r"^Id: (\d+)", answer, re.MULTILINE)
        if found is None:
            raise PeerFailed(f"linphone named no call: {answer}")
        return found[1]

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-60:])

    def close(self) -> None:
        self._socket.close()
        self.program.stop(within=3)
        self._path.unlink(missing_ok=True)
