"""Two nodes on one PostgreSQL: what somebody else sends back to us comes to the other node."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Baresip
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.kamailio import FORWARDING, MODULES, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port

pytestmark = pytest.mark.e2e

HOME = "home.test"
ADDRESSES = {"a": "127.0.0.21", "b": "127.0.0.22"}
PLACES = """
    _sip._udp SRV 10 10 {port} host
    host      A   127.0.0.1
    """


def test_a_call_that_comes_back_to_another_node(
    phones: ExitStack, tmp_path: Path, fresh_url: str
) -> None:
    """alice, at one node, calls a friend elsewhere, who has forwarded his calls to bob, at the
    other node: nobody can ask alice for her password on this way."""
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
    [alice, bob] = nodes["a"].populate({HOME: {"media_policy": "always"}}, users=2)[HOME]
    config = FORWARDING.format(
        port=elsewhere, modules=MODULES, target=bob.aor, onward=nodes["b"].uri()
    )
    phones.enter_context(kamailio(config, tmp_path / "kamailio"))
    caller, callee = (
        phones.enter_context(Baresip(nodes[at].account(party), tmp_path / party.user, seed=seed))
        for at, party, seed in (("a", alice, 81), ("b", bob, 82))
    )
    for phone in (caller, callee):
        phone.registers()
    caller.dials("sip:friend@elsewhere.test")
    callee.accepts()
    caller.established()
    callee.established()
    hears(callee, caller)
    hears(caller, callee)
    callee.command("hangup")
    for phone in (caller, callee):
        phone.closed()
