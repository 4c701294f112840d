"""Two nodes on one PostgreSQL: what somebody else sends back to us comes to the other node, what
needs TLS goes by TLS from one to the other, and a tenant's limits hold for both."""

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
    nodes = two_nodes(phones, tmp_path, database_url, zones)
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


def test_a_limit_of_calls_holds_for_both_nodes(
    phones: ExitStack, tmp_path: Path, fresh_url: str
) -> None:
    """alice calls bob by way of one node: carol, at the other one, may not call until they have
    hung up."""
    nodes = two_nodes(phones, tmp_path, fresh_url, Zones({}))
    alice_, bob_ = nodes["a"].populate({HOME: {"media_policy": "always"}}, users=2)[HOME]
    nodes["a"].cli("tenant", "set", "e2e", "max_calls=1")
    carol_ = nodes["a"].add_user("carol", HOME)  # who knows her knows the limit
    alice, bob, carol = (
        phones.enter_context(Baresip(nodes[at].account(party), tmp_path / party.user, seed=seed))
        for at, party, seed in (("a", alice_, 91), ("a", bob_, 92), ("b", carol_, 93))
    )
    for phone in (alice, bob, carol):
        phone.registers()
    administrator = Administrator(fresh_url)
    phones.callback(administrator.close)
    alice.dials(bob_.aor)
    bob.accepts()
    alice.established()
    _b_has_read(administrator, calls=1)
    carol.dials(alice_.aor)
    assert "503" in carol.closed()
    alice.command("hangup")
    bob.closed()
    _b_has_read(administrator, calls=0)
    carol.dials(alice_.aor)
    alice.accepts()
    carol.established()


def two_nodes(
    phones: ExitStack, tmp_path: Path, database_url: str, zones: Zones
) -> dict[str, Platform]:
    """They know each other."""
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
    return nodes


def _b_has_read(administrator: Administrator, *, calls: int) -> None:
    """Until node b has read that so many calls are open on node a: it reads after each heartbeat of
    its own."""
    open_calls = (
        "SELECT coalesce(sum((use ->> 0)::int), 0)::int FROM calls_node, jsonb_each(tenants)"
    )
    there = f"{open_calls} AS told (tenant, use) WHERE node_id = 'a'"
    wait_until(lambda: administrator.ask(there) == [(calls,)], f"node a tells of {calls} calls")
    beat = "SELECT seen_at FROM calls_node WHERE node_id = 'b'"
    for _ in range(2):  # the first one may have begun before
        last = administrator.ask(beat)
        wait_until(lambda last=last: administrator.ask(beat) != last, "node b has its heartbeat")


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
