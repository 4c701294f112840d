"""Two nodes on one PostgreSQL: what somebody else sends back to us comes to the other node, and
what needs TLS goes by TLS from one to the other."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Baresip
from tests.harness.database import Administrator
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.kamailio import FORWARDING, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

HOME, SECURE = "home.test", "secure.test"
ADDRESSES = {"a": "127.0.0.21", "b": "127.0.0.22"}
PLACES = """
    _sip._udp SRV 10 10 {port} host
    host      A   127.0.0.1
    """


def test_calls_from_one_node_to_the_other(
    phones: ExitStack, tmp_path: Path, fresh_url: str
) -> None:
    """alice, at one node, calls a friend elsewhere, who has forwarded his calls to bob, at the
    other node: nobody can ask alice for her password on this way. carol calls dave so, whose domain
    wants TLS, and only TLS is spoken."""
    elsewhere, database_url = free_port(), fresh_url
    zones = Zones({"elsewhere.test": PLACES.format(port=elsewhere)})
    settings = {
        "FEDSIP_SIP_DNS_SERVERS": phones.enter_context(DnsThread(zones)).address,
        "FEDSIP_CLUSTER_KEY": "7b" * 32,
    }
    nodes = {
        letter: phones.enter_context(
            Platform(
                tmp_path / letter,
                database_url=database_url,
                addresses=(address,),
                settings=settings | {"FEDSIP_NODE_ID": letter},
            )
        )
        for letter, address in ADDRESSES.items()
    }
    for letter, node in nodes.items():
        node.program("proxy").awaits(f"other nodes now=.*{'b' if letter == 'a' else 'a'}")
    policies = {HOME: {"media_policy": "always"}, SECURE: {"require_tls": True}}
    users = nodes["a"].populate(policies, users=2)
    bob = users[HOME][1]
    config = FORWARDING.format(port=elsewhere, target=bob.aor, onward=nodes["b"].uri())
    phones.enter_context(kamailio(config, tmp_path / "kamailio"))

    def pair(domain: str, transport: str) -> list[Baresip]:
        """A phone at each node."""
        return [
            phones.enter_context(
                Baresip(nodes[at].account(party, transport), tmp_path / f"{domain}-{at}", seed=seed)
            )
            for at, party, seed in zip("ab", users[domain], (81, 82), strict=True)
        ]

    caller, callee = pair(HOME, "udp")
    _talk(caller, callee, "sip:friend@elsewhere.test")
    caller, callee = pair(SECURE, "tls")
    _talk(caller, callee, callee.account.aor)

    administrator = Administrator(database_url)
    phones.callback(administrator.close)
    hop = f"SELECT hop FROM calls_callrecord WHERE callee LIKE '%%@{SECURE}'"
    wait_until(lambda: bool(administrator.ask(hop)), "the call is on record")
    assert administrator.ask(hop) == [(f"tls {ADDRESSES['b']}:{nodes['b'].tls_port}",)]


def _talk(caller: Baresip, callee: Baresip, uri: str) -> None:
    for phone in (caller, callee):
        phone.registers()
    caller.dials(uri)
    callee.accepts()
    caller.established()
    callee.established()
    hears(callee, caller)
    hears(caller, callee)
    callee.command("hangup")
    for phone in (caller, callee):
        phone.closed()
