"""RabbitMQ of Debian, another broker for celery: a server of its own on loopback, for one test."""

from __future__ import annotations

import os
from pathlib import Path

from tests.harness.closing import Closing
from tests.harness.processes import Program, free_port

# The one in /usr/sbin gives up root for Debian's own user, whose folders these are not.
_SERVERS = Path("/usr/lib/rabbitmq/lib")


class RabbitMq(Closing):
    """One server with a port mapper of its own; `url` is where celery finds it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        port, mapper, nodes = free_port(), free_port(), free_port()
        self.url = f"amqp://guest:guest@127.0.0.1:{port}//"
        environment = {
            **os.environ,
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"fedsip{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(nodes),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
        }
        self._mapper = Program(["epmd"], log=folder / "epmd.log", env=environment)
        (server,) = _SERVERS.glob("rabbitmq_server-*/sbin/rabbitmq-server")
        self._server = Program([server], log=folder / "server.log", env=environment)
        self._server.awaits("Starting broker... completed", within=120)

    def close(self) -> None:
        self._server.stop()
        self._mapper.stop()
