"""A public host is told to call its own services: they are not sent one byte.

The platform is told that it has a public address, so that nothing on loopback may be sent to, and a
service listens on loopback to TCP and UDP.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from proxy.sip.codec import parse, serialise
from proxy.sip.message import Request, Response
from tests.harness.builders import ack_of, request
from tests.harness.closing import Closing
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

DOMAIN = "open.test"
ZONES = {
    "inner.test": """
        @ A 127.0.0.1
        @ AAAA ::ffff:7f00:1
        _sip._tcp SRV 1 1 {port} @
        """,
    "2130706433": "@ A 127.0.0.1",
    "0x7f.1": "@ A 127.0.0.1",
}
HOSTS = (
    *("127.0.0.1:{port}", "127.0.0.1:{port};transport=tcp", "127.0.0.2:{port};transport=tcp"),
    *("localhost:{port};transport=tcp", "[::ffff:127.0.0.1]:{port};transport=tcp"),
    *("198.51.100.7:{port};maddr=127.0.0.1;transport=tcp", "0.0.0.0:{port};transport=tcp"),
    *("inner.test:{port};transport=tcp", "inner.test;transport=tcp", "2130706433:{port}"),
    "0x7f.1:{port};transport=tcp",
)


class Service(Closing):
    """Somebody on loopback, over TCP and UDP, who is asked afterwards what came."""

    def __init__(self) -> None:
        self.port = free_port()
        self._stream = socket.create_server(("127.0.0.1", self.port))
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", self.port))
        for port in (self._stream, self._datagrams):
            port.setblocking(False)

    def close(self) -> None:
        self._stream.close()
        self._datagrams.close()

    def has_heard(self) -> bool:
        """Whether anybody has connected, or sent a datagram; the kernel keeps both."""
        found, _, _ = select.select([self._stream, self._datagrams], [], [], 0)
        return bool(found)


class Caller(Closing):
    """A phone of an open domain, over UDP."""

    def __init__(self, proxy: tuple[str, int]) -> None:
        self._proxy = proxy
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(20)
        self.host, self.port = self._socket.getsockname()
        self._calls = 0

    def close(self) -> None:
        self._socket.close()

    def calls(self, uri: str) -> Response:
        """The final answer to an INVITE."""
        self._calls += 1
        invite = request(
            b"INVITE",
            uri.encode(),
            via=f"SIP/2.0/UDP {self.host}:{self.port};rport".encode(),
            from_uri=f"sip:alice@{DOMAIN}".encode(),
            to_uri=b"sip:x@example.com",
            contact=f"<sip:alice@{self.host}:{self.port}>".encode(),
            call_id=f"call-{self._calls}-{self.port}".encode(),
        )
        self._send(invite)
        while True:
            answer = parse(self._socket.recv(65536))
            assert isinstance(answer, Response)
            if answer.call_id == invite.call_id and answer.status >= 200:
                self._send(ack_of(invite, answer))
                return answer

    def _send(self, message: Request) -> None:
        self._socket.sendto(serialise(message), self._proxy)


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        yield made


@pytest.fixture
def public_host(tmp_path: Path, fresh_url: str, service: Service) -> Iterator[Platform]:
    tables = {name: table.format(port=service.port) for name, table in ZONES.items()}
    with DnsThread(Zones(tables)) as dns:
        settings = {
            "FEDSIP_SIP_DNS_SERVERS": dns.address,
            "FEDSIP_SIP_ADVERTISED_IPV4": "203.0.113.1",
        }
        made = Platform(
            tmp_path / "public",
            database_url=fresh_url,
            addresses=("127.0.0.1",),
            settings=settings,
            own_relay=False,
        )
        policy = ("unauthenticated=on", "unauthenticated_calls_out=on", "media_policy=never")
        made.add_domain(DOMAIN, *policy)  # before the proxy begins, which has it then
        with made as running:
            yield running


def test_services_of_a_public_host_are_not_sent_one_byte(
    public_host: Platform, service: Service
) -> None:
    with Caller((public_host.address, public_host.port)) as alice:
        for host in HOSTS:
            answer = alice.calls(f"sip:x@{host.format(port=service.port)}")
            assert (host, answer.status, answer.reason) == (host, 403, b"Inner Address")
    assert not service.has_heard()
    log = public_host.program("proxy").text()
    told = [line for line in log.splitlines() if "inner destination refused" in line]
    assert len(told) == len(HOSTS)
    assert all(" tenant=" in line and " call_id=" in line for line in told)
    asked = ("federation", "refusals", DOMAIN)
    wait_until(lambda: "inner" in public_host.cli(*asked), "the refusals are counted")
