"""The platform itself as a test's peer: its own PostgreSQL, proxy, relay and, on wish, web.

The processes are those that `./fedsip up` starts, with the same settings from the environment;
users are made by the CLI, as an administrator makes them.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from fedsip_platform.launch import front_end
from tests.harness.administrator import Administrator
from tests.harness.baresip import Account
from tests.harness.closing import Closing
from tests.harness.ng import ENGINE
from tests.harness.processes import Program, free_port
from tests.harness.sipp import Party

ROOT = Path(__file__).resolve().parents[2]


class Platform(Closing):
    """One node. `with Platform(...) as platform:` has it serving inside the block."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str,
        addresses: tuple[str, ...] = ("127.0.0.1", "::1"),
        namespace: str | None = None,
        settings: Mapping[str, str] | None = None,
        own_relay: bool = True,
        web: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.namespace = namespace
        self.address = addresses[0]
        self.port = 5060 if namespace else free_port()
        self.tls_port = 5061 if namespace else free_port()
        self.ng_port = 22222 if namespace else free_port()
        self.web_port = free_port()
        self.domains: list[str] = []
        self._own_relay = own_relay
        self._web = web
        key, certificate = self._certificate()
        first_media = 30000 if namespace else 30000 + (os.getpid() * 400) % 20000
        self.media_ports = (first_media, first_media + 399)
        environment = {
            "DATABASE_URL": database_url,
            "FEDSIP_STATE_DIR": str(folder),
            "FEDSIP_CLUSTER_KEY": secrets.token_hex(32),
            "FEDSIP_TLS_CERT": str(certificate),
            "FEDSIP_TLS_KEY": str(key),
            "FEDSIP_BROKER_URL": "memory://",
            "FEDSIP_SIP_ADDRESSES": ",".join(addresses),
            "FEDSIP_SIP_PORT": str(self.port),
            "FEDSIP_SIP_TLS_PORT": str(self.tls_port),
            "FEDSIP_SIP_FLOOD_REQUESTS": "1000000",
            "FEDSIP_SIP_RELAYS": f"127.0.0.1:{self.ng_port}",
            "FEDSIP_MEDIA_ENGINE": ENGINE,
            "FEDSIP_MEDIA_NG": f"127.0.0.1:{self.ng_port}",
            "FEDSIP_MEDIA_PORTS": f"{first_media}-{first_media + 399}",
            "FEDSIP_MEDIA_IPV4": addresses[0],
            **({"FEDSIP_MEDIA_IPV6": "::1"} if "::1" in addresses else {}),
            "FEDSIP_WEB_PORT": str(self.web_port),
            "FEDSIP_WEB_ADDRESS": "127.0.0.1",
            **(settings or {}),
        }
        kept = {name: value for name, value in os.environ.items() if name[:7] != "FEDSIP_"}
        self.environment = {**kept, **environment}
        self._administrator = Administrator(self.environment)
        self._running: dict[str, Program] = {}

    def _certificate(self) -> tuple[Path, Path]:
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        # fmt: off
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True,
        )
        # fmt: on
        return key, certificate

    # -- processes

    def start(self, name: str) -> Program:
        """Start `proxy`, `relay` or `web` and wait until it serves."""
        if name == "web":
            front_end.prepare()  # its pages; the server looks for them once, when it starts
        # fmt: off
        commands: dict[str, list[str]] = {
            "proxy": [sys.executable, "-m", "proxy"],
            "relay": [sys.executable, "-m", "media"],
            "web": [sys.executable, "-m", "fedsip_platform.web_server", "-e",
                    f"ssl:{self.web_port}:privateKey={self.folder}/key.pem"
                    f":certKey={self.folder}/cert.pem:interface=127.0.0.1",
                    "fedsip_platform.asgi:application"],
        }
        # fmt: on
        log = self.folder / f"{name}.log"
        number = 1
        while log.exists():
            number += 1
            log = self.folder / f"{name}.{number}.log"
        program = Program(
            commands[name], log=log, env=self.environment, cwd=ROOT, namespace=self.namespace
        )
        self._running[name] = program
        program.awaits(r"Listening on TCP address" if name == "web" else r"\bready\b")
        return program

    def program(self, name: str) -> Program:
        return self._running[name]

    def kill(self, name: str) -> None:
        """kill -9, as a crash is."""
        self._running.pop(name).kill()

    def stop(self) -> None:
        self._administrator.stop()
        for name in reversed(list(self._running)):
            self._running.pop(name).stop()

    def __enter__(self) -> Self:
        try:
            if self._own_relay:
                self.start("relay")
            self.start("proxy")
            if self._web:
                self.start("web")
        except BaseException:
            self.stop()
            raise
        return self

    def close(self) -> None:
        self.stop()

    # -- what an administrator does

    def cli(self, *words: str, stdin: str = "") -> str:
        """Run `./fedsip WORDS` and return what it printed."""
        return self._administrator.run(words, stdin)

    def python(self, code: str) -> str:
        """Run `code` inside Django, for provisioning in bulk, and return what it printed."""
        return self.cli("shell", "--verbosity", "0", "-c", code)

    def add_domain(self, name: str, *policy: str, tenant: str = "e2e") -> None:
        """Make the domain, and its tenant when it is new."""
        if f'"{tenant}"' not in self.cli("tenant", "list", "--json"):
            self.cli("tenant", "add", tenant)
        self.cli("domain", "add", name, "--tenant", tenant)
        if policy:
            self.cli("domain", "set", name, *policy)

    def add_user(self, user: str, domain: str, password: str | None = None) -> Party:
        party = Party(user, domain, password or secrets.token_hex(8))
        self.cli("user", "add", f"{user}@{domain}", "--password-stdin", stdin=party.password)
        return party

    def populate(
        self, domains: Mapping[str, Mapping[str, object]], *, users: int, tenant: str = "e2e"
    ) -> dict[str, list[Party]]:
        """Make a tenant, its domains with their policies and so many users each, all at once."""
        made = {
            name: [Party(f"u{number}", name, secrets.token_hex(8)) for number in range(users)]
            for name in domains
        }
        people = {name: [(one.user, one.password) for one in made[name]] for name in domains}
        self.python(
            "from fedsip_platform.directory import services\n"
            f"tenant = services.create_tenant({tenant!r}, {tenant!r})\n"
            f"domains = { ({name: dict(policy) for name, policy in domains.items()})!r}\n"
            f"people = {people!r}\n"
            "for name, policy in domains.items():\n"
            "    domain = services.create_domain(tenant, name, **policy)\n"
            "    for user, password in people[name]:\n"
            "        services.create_subscriber(domain, user, password)\n"
        )
        self.domains += domains
        return made

    # -- what a phone is told

    def uri(self, transport: str = "udp", address: str | None = None) -> str:
        """This proxy as a SIP URI for a phone's outbound proxy field."""
        host = address or self.address
        bracketed = f"[{host}]" if ":" in host else host
        port = self.tls_port if transport == "tls" else self.port
        return f"sip:{bracketed}:{port};transport={transport}"

    def account(self, party: Party, transport: str = "udp", extra: str = "") -> Account:
        return Account(party.user, party.domain, party.password, self.uri(transport), extra)
