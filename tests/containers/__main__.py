"""Build the image and start all that compose.yml has, where no Docker engine runs.

    sudo .venv/bin/python -m tests.containers FOLDER

buildah builds `docker/Dockerfile` on a Debian that debootstrap makes, and runs each service of
`docker/compose.yml` with its command, environment and volumes, in the order that it asks for, in a
network namespace of its own. Then an administrator's commands run inside, two phones (SIPp)
register and call each other through the proxy, and the web process and the record are asked after.

It takes some ten minutes and 5 GB in FOLDER, and root, buildah and debootstrap from Debian.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shlex
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from tests.harness.calls import in_dialog, invite, register, ring_and_answer
from tests.harness.processes import Program
from tests.harness.sipp import Party, Sipp, pause, receive, response, scenario, send
from tests.harness.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BASE = "localhost/fedsip-base"
IMAGE = "localhost/fedsip"
SERVERS = "localhost/fedsip-servers"
ENTRYPOINT = ("python", "-P", "-m", "fedsip_platform.launch", "run")  # as in the Dockerfile
NAMESPACE = f"fedsip-compose-{os.getpid()}"
HOST = "192.0.2.10"
DOMAIN = "containers.test"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
TRUSTED = Path("/opt/authorities.crt")  # where Debian's ca-certificates does not write
HEALTH = f"""
import ssl, urllib.request
print(urllib.request.urlopen(
    "https://{HOST}:8443/health", context=ssl._create_unverified_context()
).read().decode())
"""


class Builder:
    """buildah with its images and containers in one folder, so that nothing stays elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._options = [
            "--root", str(folder / "storage"), "--runroot", str(folder / "run"),
            "--storage-driver", "vfs",
        ]  # fmt: skip

    def words(self, *words: str) -> list[str]:
        return ["buildah", *self._options, *words]

    def do(self, *words: str) -> str:
        done = subprocess.run(self.words(*words), stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def has(self, image: str) -> bool:
        return bool(self.do("images", "--quiet", "--filter", f"reference={image}"))

    def make_base(self) -> None:
        """Debian as the image on which ours is built, trusting whom this machine trusts."""
        root = self._folder / "base"
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", root], check=True)
        shutil.copyfile(AUTHORITIES, root / TRUSTED.relative_to("/"))
        container = self.do("from", "scratch")
        self.do("add", "--quiet", container, str(root), "/")
        for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"):
            self.do("config", "--env", f"{name}={TRUSTED}", container)
        self.do("commit", "--rm", container, BASE)
        shutil.rmtree(root)

    def build(self, image: str, dockerfile: Path, context: Path) -> None:
        subprocess.run(
            self.words(
                "build", "--isolation", "chroot", "--pull-never", "--network", "host",
                "--build-arg", f"BASE={BASE}", "-f", str(dockerfile), "-t", image, str(context),
            ),
            check=True,
        )  # fmt: skip


class Service:
    """One service of compose.yml: what it is given, and how it is started."""

    def __init__(self, name: str, told: dict[str, Any], builder: Builder) -> None:
        self.name = name
        self.told = told
        self.is_ours = told["image"] == "fedsip"
        self._builder = builder
        self._container = builder.do("from", "--pull-never", IMAGE if self.is_ours else SERVERS)

    def words(self, *command: str, volumes: Path) -> list[str]:
        """The command line that runs a command, or else the service's own, in its container."""
        options = ["--isolation", "chroot"]
        for name, value in self.told.get("environment", {}).items():
            options += ["--env", f"{name}={value}"]
        for volume in self.told["volumes"] if self.is_ours else ():
            name, _, inside = volume.partition(":")
            options += ["--volume", f"{volumes / name}:{inside}"]
        words = self._builder.words("run", *options, self._container, "--")
        return ["ip", "netns", "exec", NAMESPACE, *words, *(command or self._own_command())]

    def _own_command(self) -> list[str]:
        if self.name == "postgres":
            return ["sh", "/usr/local/bin/postgres.sh"]
        words = shlex.split(self.told["command"])
        return [*ENTRYPOINT, *words] if self.is_ours else words


class Composed:
    """All services of compose.yml, started in the order in which they depend on each other."""

    def __init__(self, folder: Path, builder: Builder) -> None:
        self._folder = folder
        self._volumes = folder / "volumes"
        self._ends = ExitStack()
        text = (ROOT / "docker" / "compose.yml").read_text()
        text = text.replace("${POSTGRES_PASSWORD:?set it in docker/.env}", secrets.token_hex(16))
        text = text.replace("${FEDSIP_HOSTNAME:-}", f"sip.{DOMAIN}")
        told = yaml.safe_load(text)["services"]
        self.services = {name: Service(name, told[name], builder) for name in told}
        self.programs: dict[str, Program] = {}

    def __enter__(self) -> Self:
        subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
        self._ends.callback(subprocess.run, ["ip", "netns", "del", NAMESPACE], check=True)
        for words in (
            "link set lo up",
            "link add lan type veth peer name far",
            f"address add {HOST}/24 dev lan",
            "link set lan up",
            "link set far up",
            "route add default dev lan",
        ):
            subprocess.run(["ip", "-n", NAMESPACE, *words.split()], check=True)
        try:
            self._make_volumes()
        except BaseException:
            self._ends.close()
            raise
        return self

    def _make_volumes(self) -> None:
        """The named volumes, belonging to whom the image belongs, as Docker makes them."""
        owner = self.services["web"].words("id", "-u", volumes=self._volumes)
        for service in self.services.values():
            for volume in service.told["volumes"] if service.is_ours else ():
                (self._volumes / volume.partition(":")[0]).mkdir(parents=True, exist_ok=True)
        user = int(subprocess.check_output(owner))
        for folder in self._volumes.iterdir():
            os.chown(folder, user, user)

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def start(self, name: str) -> Program:
        """Start one service in its container; it is stopped at the end."""
        words = self.services[name].words(volumes=self._volumes)
        program = Program(words, log=self._folder / f"{name}.log")
        self.programs[name] = program
        self._ends.callback(program.stop)
        return program

    def run(self, name: str, *command: str, stdin: str = "") -> str:
        """What `docker compose exec NAME COMMAND` would print; raises if it fails."""
        words = self.services[name].words(*command, volumes=self._volumes)
        done = subprocess.run(words, input=stdin, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def is_healthy(self, name: str) -> bool:
        test = shlex.split(self.services[name].told["healthcheck"]["test"])
        words = self.services[name].words(*test, "-h", "127.0.0.1", volumes=self._volumes)
        return subprocess.run(words, stdout=subprocess.DEVNULL, check=False).returncode == 0

    def phone(self, name: str, *steps: str, port: int) -> Sipp:
        sipp = Sipp(
            scenario(*steps), self._folder, name=name, remote=f"{HOST}:5060", port=port,
            address=HOST, namespace=NAMESPACE, options=["-mp", str(port + 1000)],
        )  # fmt: skip
        self._ends.callback(sipp.stop)
        return sipp


def start_all(composed: Composed) -> None:
    """As compose does: the servers, `prepare` to its end, then the four processes."""
    composed.start("postgres")
    composed.start("redis").awaits("Ready to accept connections")
    wait_until(lambda: composed.is_healthy("postgres"), "PostgreSQL is healthy")
    prepared = composed.start("prepare")
    if prepared.wait(within=300) != 0:
        raise SystemExit(f"prepare failed:\n{prepared.tail()}")
    print(prepared.text())
    for name, ready in (("relay", r"\bready\b"), ("proxy", r"\bready\b"),
                        ("web", "Listening on TCP"), ("worker", "ready")):  # fmt: skip
        composed.start(name).awaits(ready, within=120)
        print(f"{name} serves")


def use_it(composed: Composed) -> None:
    """An administrator makes two users by the CLI; they register and call; web and worker live."""
    composed.run("web", "./fedsip", "tenant", "add", "containers")
    composed.run("web", "./fedsip", "domain", "add", DOMAIN, "--tenant", "containers")
    alice, bob = (Party(name, DOMAIN, secrets.token_hex(8)) for name in ("alice", "bob"))
    for party in (alice, bob):
        words = ("./fedsip", "user", "add", f"{party.user}@{DOMAIN}", "--password-stdin")
        composed.run("web", *words, stdin=party.password)
    composed.phone("register", *register(bob), port=7000).succeeds()
    end = (receive("BYE"), send(response(200, "OK", new_tag=False), retransmit=False))
    callee = composed.phone("callee", *ring_and_answer(bob.user), *end, port=7000)
    composed.phone(
        "caller", *invite(alice, bob.aor), receive(180), receive(200, route_set=True),
        in_dialog("ACK", alice, bob.aor, cseq=2), pause(1),
        in_dialog("BYE", alice, bob.aor, cseq=3), receive(200), port=7100,
    ).succeeds()  # fmt: skip
    callee.succeeds()
    print("two phones have called each other")
    [registration] = json.loads(composed.run("web", "./fedsip", "registrations", "--json"))
    print(f"registered: {registration}")
    health = composed.run("web", "python", "-c", HEALTH)
    print(f"the web process answers: {health}")
    calls = ("./fedsip", "calls", "--json")
    wait_until(lambda: bob.user in composed.run("web", *calls), "the record of the call is there")
    print("the call's record is in PostgreSQL")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where images, containers and logs go")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    builder = Builder(folder)
    if not builder.has(BASE):
        builder.make_base()
    for image, dockerfile, context in (
        (SERVERS, HERE / "servers.Dockerfile", HERE),
        (IMAGE, ROOT / "docker" / "Dockerfile", ROOT),
    ):
        if not builder.has(image):  # an empty FOLDER has everything built anew
            builder.build(image, dockerfile, context)
    with Composed(folder, builder) as composed:
        start_all(composed)
        use_it(composed)
    print("all services of compose.yml were built, started and used")


if __name__ == "__main__":
    main()
