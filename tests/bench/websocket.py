"""Registered WebSockets: how many, at what memory, and CPU-µs a SIP message; ours beside Kamailio.

    python -m tests.bench.websocket [--sockets 5000] [--messages 3000] [--only ours|kamailio]
                                    [--web daphne|uvicorn|granian]

Each socket registers over WSS (digest), as one of a thousand users. Then MESSAGEs go from a
hundred of them to others, challenged each time: six messages over the sockets. Ours is two
processes, the web server and the proxy, whose figures stand apart; Kamailio terminates TLS itself.
Memory is what belongs to the processes (PSS) after all have registered, less that before the first.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from fedsip_platform.launch.postgres import EmbeddedPostgres
from tests.bench.machine import open_as_many_files_as_may_be, temporary_folder
from tests.harness import cpu
from tests.harness.kamailio import ONE_WORKER, kamailio, loaded
from tests.harness.platform import ROOT, Platform
from tests.harness.processes import Program, free_port
from tests.harness.sipp import Party
from tests.harness.websocket_phone import WebSocketPhone, connect

DOMAIN: Final = "ws.test"
PASSWORD: Final = "bench-password"
USERS: Final = 1000
TALKERS: Final = 100
AT_ONCE: Final = 40

_KAMAILIO = (
    ONE_WORKER
    + """\
tcp_children=1
debug=1
tcp_max_connections=20000
tls_max_connections=20000
tcp_connection_lifetime=3605
listen=tls:127.0.0.1:{port}
alias="{domain}"
enable_tls=yes
tcp_accept_no_cl=yes
"""
    + loaded(
        "tm sl rr pv maxfwd textops siputils usrloc registrar auth tls xhttp websocket nathelper"
    )
    + """\
modparam("tls", "config", "{folder}/tls.cfg")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 0)
modparam("registrar|nathelper", "received_avp", "$avp(received)")
request_route {{
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  force_rport();
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("$td", "{password}", "0")) {{ www_challenge("$td", "0"); exit; }}
    fix_nated_register(); save("location"); exit;
  }}
  if (!pv_proxy_authenticate("$fd", "{password}", "0")) {{ proxy_challenge("$fd", "0"); exit; }}
  consume_credentials();
  if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  t_relay();
}}
event_route[xhttp:request] {{
  if ($hdr(Upgrade) =~ "websocket" && $rm =~ "GET") {{ if (ws_handle_handshake()) exit; }}
  xhttp_reply("404", "Not Found", "", "");
}}
"""
)
_TLS = """\
[server:default]
method = TLSv1.2+
private_key = {folder}/key.pem
certificate = {folder}/cert.pem
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Something that takes SIP over WSS, and the processes whose figures count."""

    name: str
    port: int
    path: str
    processes: dict[str, int]


async def open_all(server: Server, count: int) -> list[WebSocketPhone]:
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> WebSocketPhone:
        async with slots:
            connection = await connect(server.port, server.path, ping_interval=None)
            phone = WebSocketPhone(connection, _party(number), number)
            await phone.registers()
            return phone

    return list(await asyncio.gather(*map(one, range(count))))


def _party(number: int) -> Party:
    """Whoever talks is a user with no other socket; the rest share the rest of the users."""
    alone = 2 * TALKERS
    user = number if number < alone else alone + (number - alone) % (USERS - alone)
    return Party(f"user{user}", DOMAIN, PASSWORD)


async def talk(sockets: Sequence[WebSocketPhone], messages: int) -> None:
    """Each of the talkers sends to the next one, who answers while it waits for its own."""
    senders = [one for one in sockets if one.number < TALKERS]
    done = asyncio.Event()

    async def listen(one: WebSocketPhone) -> None:
        while not done.is_set():
            data = await one.connection.recv()
            await one.answer(data.decode() if isinstance(data, bytes) else data)

    listeners = [asyncio.create_task(listen(one)) for one in sockets if one.number >= TALKERS]

    async def send(one: WebSocketPhone) -> None:
        target = f"sip:user{TALKERS + one.number}@{DOMAIN}"
        for _ in range(messages // TALKERS):
            answer = await one.signed("MESSAGE", target, "Content-Type: text/plain", body="hello")
            assert answer.startswith("SIP/2.0 200"), answer

    await asyncio.gather(*map(send, senders))
    done.set()
    for listener in listeners:
        listener.cancel()
    await asyncio.gather(*listeners, return_exceptions=True)


def resident(pid: int) -> int:
    """Private and shared pages of the process and its children, shared ones by their part."""
    return sum(psutil.Process(one).memory_full_info().pss for one in cpu.tree(pid))


async def measure(server: Server, sockets: int, messages: int) -> None:
    memory = {name: resident(pid) for name, pid in server.processes.items()}
    began = time.monotonic()
    opened = await open_all(server, sockets)
    seconds = time.monotonic() - began
    for name, pid in server.processes.items():
        each = (resident(pid) - memory[name]) / sockets / 1024
        print(f"{server.name:10} {name:9} {sockets} registered in {seconds:.0f} s, "
              f"{each:.1f} KiB a socket, {resident(pid) / 2**20:.0f} MiB in all")  # fmt: skip
    chosen = [one for one in opened if one.number < 2 * TALKERS]
    before = {name: cpu.nanoseconds(pid) for name, pid in server.processes.items()}
    began = time.monotonic()
    await talk(chosen, messages)
    seconds = time.monotonic() - began
    # In: MESSAGE, MESSAGE again, the 200. Out: 407, MESSAGE, 200.
    carried = messages // TALKERS * TALKERS * 6
    for name, pid in server.processes.items():
        used = (cpu.nanoseconds(pid) - before[name]) / carried / 1000
        print(f"{server.name:10} {name:9} {used:.0f} CPU-µs a SIP message "
              f"({carried} messages in {seconds:.1f} s)")  # fmt: skip
    for one in opened:
        one.connection.transport.abort()


_UVICORN = (
    "-m uvicorn --ws websockets-sansio --lifespan off --no-access-log --host 127.0.0.1"
    " --port {port} --ssl-keyfile {folder}/key.pem --ssl-certfile {folder}/cert.pem"
)
_GRANIAN = (
    "-m granian --interface asginl --ws --host 127.0.0.1"
    " --port {port} --ssl-keyfile {folder}/key.pem --ssl-certificate {folder}/cert.pem"
)
WEB_SERVERS: Final = {
    "uvicorn": (_UVICORN, "Uvicorn running"),
    "granian": (_GRANIAN, "Started worker"),
}


@contextmanager
def web_process(platform: Platform, name: str) -> Iterator[int]:
    """Our web process by one of the ASGI servers; its process id."""
    if name == "daphne":
        yield platform.start("web").process.pid
        return
    words, ready = WEB_SERVERS[name]
    given = words.format(port=platform.web_port, folder=platform.folder).split()
    command = [sys.executable, *given, "fedsip_platform.asgi:application"]
    log = platform.folder / f"{name}.log"
    with Program(command, log=log, env=platform.environment, cwd=ROOT) as program:
        program.awaits(ready)
        yield program.process.pid


def ours(folder: Path, sockets: int, messages: int, web: str) -> None:
    database = EmbeddedPostgres(folder / "database", durable=False)
    (folder / "database").mkdir()
    settings = {"FEDSIP_SIP_MAX_CONNECTIONS_PER_SOURCE": "100000"}
    try:
        url = database.start()
        platform = Platform(folder / "node", database_url=url, settings=settings)
        platform.cli("migrate", "--verbosity", "0")
        with platform:
            platform.add_domain(DOMAIN, "media_policy=never", "max_contacts=100")
            platform.python(_provision())
            platform.program("proxy").awaits(f"directory changed rows={USERS}")
            with web_process(platform, web) as pid:
                processes = {web: pid, "proxy": platform.program("proxy").process.pid}
                server = Server("fedsip", platform.web_port, "/sip", processes)
                asyncio.run(measure(server, sockets, messages))
    finally:
        database.stop()


def _provision() -> str:
    return (
        "from fedsip_platform.directory.models import Domain\n"
        "from fedsip_platform.directory.services import create_subscriber\n"
        "from django.db import transaction\n"
        f"domain = Domain.objects.get(name='{DOMAIN}')\n"
        "with transaction.atomic():\n"
        f"    [create_subscriber(domain, f'user{{n}}', '{PASSWORD}') for n in range({USERS})]\n"
    )


def theirs(folder: Path, sockets: int, messages: int) -> None:
    folder.mkdir()
    Platform._certificate(_Folder(folder))  # type: ignore[arg-type]
    (folder / "tls.cfg").write_text(_TLS.format(folder=folder))
    port = free_port()
    config = _KAMAILIO.format(port=port, domain=DOMAIN, folder=folder, password=PASSWORD)
    with kamailio(config, folder, options=("-x", "fm", "-X", "fm", "-m", "2048")) as program:
        server = Server("kamailio", port, "/", {"kamailio": program.process.pid})
        asyncio.run(measure(server, sockets, messages))


@dataclass
class _Folder:
    folder: Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=5000)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--only", choices=("ours", "kamailio"))
    parser.add_argument("--web", choices=("daphne", *WEB_SERVERS), default="daphne")
    options = parser.parse_args()
    open_as_many_files_as_may_be()
    with temporary_folder() as folder:
        if options.only != "kamailio":
            ours(folder, options.sockets, options.messages, options.web)
        if options.only != "ours":
            theirs(folder / "kamailio", options.sockets, options.messages)


if __name__ == "__main__":
    main()
