"""Forwards, ring groups, trunks, servers that fail: what SIPp phones at all ends see of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from proxy.sip import Request
from proxy.sip.codec import serialise
from tests.e2e.test_sipp import Bench
from tests.harness.authority import Authority
from tests.harness.builders import Dialog, request
from tests.harness.calls import (
    bye_at_callee,
    bye_from_caller,
    in_dialog,
    invite,
    ring_and_answer,
)
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.kamailio import ASKING, REGISTERED_WITH, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sip_hosts import RefusingHost, TlsClient
from tests.harness.sipp import SDP, Party, Sipp, ack_of_failure, pause, receive, response, send
from tests.harness.sipp import request as request_text
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.e2e

HOME = "home.test"
CLOSED = "closed.test"
DID = "+15551234567"
CARRIER = Party("+4930123", "carrier.example")


class Hosts:
    """The platform, and the hosts of far.test: `first` by priority refuses, `second` is SIPp's."""

    def __init__(self, folder: Path, database_url: str, stack: ExitStack) -> None:
        self.first = stack.enter_context(RefusingHost(503))
        self.second = free_port()
        self.authority = Authority(folder / "authority")
        table = f"""
            _sip._udp SRV 10 10 {{first}} host
            _sip._udp SRV 20 10 {self.second} host
            host      A   127.0.0.1
            """
        dns = DnsThread(
            Zones(
                {
                    "refusing.test": table.format(first=self.first.port),
                    "gone.test": table.format(first=free_port()),
                }
            )
        )
        settings = {
            "FEDSIP_SIP_DNS_SERVERS": stack.enter_context(dns).address,
            "FEDSIP_TLS_CA": str(self.authority.trust),
        }
        self.platform = stack.enter_context(
            Platform(folder / "platform", database_url=database_url, settings=settings)
        )
        quiet: dict[str, object] = {"nat_keepalive": False}  # a SIPp takes any OPTIONS for its call
        closed = {**quiet, "federation_in": "closed"}
        people = self.platform.populate({HOME: quiet, CLOSED: closed}, users=24)
        self.people = {name: iter(parties) for name, parties in people.items()}


@pytest.fixture(scope="module")
def hosts(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Hosts]:
    with ExitStack() as stack:
        yield Hosts(tmp_path_factory.mktemp("routing"), _new_database(), stack)


@pytest.fixture
def bench(hosts: Hosts, tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(hosts.platform, tmp_path, stack)


def someone(hosts: Hosts, bench: Bench, domain: str = HOME) -> tuple[Party, int]:
    """A user with a registered phone, and the port where SIPp has to be it."""
    party, port = next(hosts.people[domain]), free_port()
    bench.registered(party, port)
    return party, port


def calls(bench: Bench, caller: Party, target: str) -> Sipp:
    """A call that is answered and that the caller ends."""
    return bench.phone(
        *invite(caller, target),
        *(receive(180, optional=True) for _ in range(3)),
        receive(200, route_set=True),
        in_dialog("ACK", caller, target, cseq=2),
        pause(0.2),
        *bye_from_caller(caller, target),
        name="caller",
    )


def answers(bench: Bench, user: str, port: int, **how: object) -> Sipp:
    return bench.phone(
        *ring_and_answer(user), *bye_at_callee(), name=f"{user}-answers", port=port, **how
    )


def is_busy(bench: Bench, user: str, port: int) -> Sipp:
    busy = send(response(486, "Busy Here", user=user), retransmit=False)
    return bench.phone(receive("INVITE"), busy, receive("ACK"), name=f"{user}-is-busy", port=port)


def rings_in_vain(bench: Bench, user: str, port: int) -> Sipp:
    return bench.phone(
        receive("INVITE", remember=True),
        send(response(180, "Ringing", user=user), retransmit=False),
        receive("CANCEL"),
        send(response(200, "OK", new_tag=False), retransmit=False),
        send(response(487, "Request Terminated", remembered=True)),
        receive("ACK"),
        name=f"{user}-rings-in-vain",
        port=port,
    )


def came(phone: Sipp, method: bytes) -> list[Request]:
    return [one for one in phone.messages() if isinstance(one, Request) and one.method == method]


# -- forwards


@pytest.mark.parametrize(
    ("condition", "cause"),
    [("always", 302), ("busy", 486), ("no_answer", 408), ("not_registered", 503)],
)
def test_forward(hosts: Hosts, bench: Bench, condition: str, cause: int) -> None:
    alice = next(hosts.people[HOME])
    carol, carols_port = someone(hosts, bench)
    bob, bobs_port = next(hosts.people[HOME]), free_port()
    if condition != "not_registered":
        bench.registered(bob, bobs_port)
    hosts.platform.cli(
        "forward", "set", f"{bob.user}@{HOME}", condition, carol.user, "--ring-seconds", "5"
    )
    callee = answers(bench, carol.user, carols_port)
    first = {"busy": is_busy, "no_answer": rings_in_vain}.get(condition)
    bobs = None if first is None else first(bench, bob.user, bobs_port)
    calls(bench, alice, bob.aor).succeeds()
    callee.succeeds()
    if bobs is not None:
        bobs.succeeds()
    (arrived,) = came(callee, b"INVITE")
    before, after = arrived.headers.values(b"history-info")
    assert before == f"<{bob.aor}?Reason=SIP%3Bcause%3D{cause}>;index=1".encode()
    assert after.startswith(f"<sip:{carol.user}@127.0.0.1:{carols_port}".encode())
    assert after.endswith(f";cause={cause}>;index=1.1;mp=1".encode())


# -- ring groups


def test_ring_group_at_once(hosts: Hosts, bench: Bench) -> None:
    alice = next(hosts.people[HOME])
    bob, carol = next(hosts.people[HOME]), next(hosts.people[HOME])
    bobs_port, carols_port = free_port(), free_port()
    hosts.platform.cli("group", "add", f"both@{HOME}", f"members={bob.user},{carol.user}")
    for party, port in ((bob, bobs_port), (carol, carols_port)):  # the proxy hears of the group
        bench.registered(party, port)
    loser = rings_in_vain(bench, bob.user, bobs_port)
    winner = bench.phone(
        receive("INVITE", route_set=True),
        send(response(180, "Ringing", user=carol.user), retransmit=False),
        pause(1),
        send(response(200, "OK", user=carol.user, body=SDP)),
        receive("ACK"),
        *bye_at_callee(),
        name="winner",
        port=carols_port,
    )
    for phone in (calls(bench, alice, f"sip:both@{HOME}"), winner, loser):
        phone.succeeds()


def test_ring_group_in_order(hosts: Hosts, bench: Bench) -> None:
    """The first is busy, the second rings in vain, the third answers."""
    alice = next(hosts.people[HOME])
    members = [(next(hosts.people[HOME]), free_port()) for _ in range(3)]
    names = ",".join(party.user for party, _ in members)
    words = (f"members={names}", "strategy=in_order", "ring_seconds=5")
    hosts.platform.cli("group", "add", f"turns@{HOME}", *words)
    for party, port in members:  # meanwhile the proxy hears of the group
        bench.registered(party, port)
    roles = (is_busy, rings_in_vain, answers)
    phones = [
        role(bench, party.user, port) for role, (party, port) in zip(roles, members, strict=True)
    ]
    calls(bench, alice, f"sip:turns@{HOME}").succeeds()
    for phone in phones:
        phone.succeeds()


# -- servers of a domain that fail (RFC 3263 s4.3)


def test_ack_and_cancel_stay_on_their_hop(hosts: Hosts, bench: Bench) -> None:
    """503 from the first server, whose ACK it gets; the caller's CANCEL goes to the second one.
    The next call begins there."""
    alice, target = next(hosts.people[HOME]), "sip:x@refusing.test"
    second = rings_in_vain(bench, "x", hosts.second)
    caller = bench.phone(
        *invite(alice, target),
        receive(180),
        send(_as_before("CANCEL", alice, target, messages=3), retransmit=False),
        receive(200),
        receive(487),
        send(_as_before("ACK", alice, target, messages=6, tag=True), retransmit=False),
        name="caller",
    )
    caller.succeeds()
    second.succeeds()
    wait_until(lambda: hosts.first.methods() == [b"INVITE", b"ACK"], "the first server has its ACK")
    refused, acknowledged = hosts.first.came
    assert acknowledged.via.branch == refused.via.branch
    (ringing,), (cancelled,), (ended,) = (
        came(second, method) for method in (b"INVITE", b"CANCEL", b"ACK")
    )
    assert ringing.via.branch == cancelled.via.branch == ended.via.branch
    assert ringing.via.branch != refused.via.branch
    again = answers(bench, "x", hosts.second)
    calls(bench, alice, target).succeeds()
    again.succeeds()
    assert len(hosts.first.came) == 2, "the server that failed is not asked again for a while"


def test_port_where_nobody_listens(hosts: Hosts, bench: Bench) -> None:
    alice = next(hosts.people[HOME])
    second = answers(bench, "x", hosts.second)
    calls(bench, alice, "sip:x@gone.test").succeeds()
    second.succeeds()


def _as_before(method: str, caller: Party, target: str, *, messages: int, tag: bool = False) -> str:
    """A CANCEL or ACK with the branch and CSeq of the INVITE so many messages before."""
    text = request_text(method, caller, target, cseq=2, branch_of=f"[branch-{messages}]")
    return text.replace(f"To: <{target}>", f"To: <{target}>[peer_tag_param]") if tag else text


# -- trunks


def test_trunk_whose_first_gateway_refuses(hosts: Hosts, bench: Bench) -> None:
    alice, port = next(hosts.people[HOME]), free_port("127.0.0.2")
    cli = hosts.platform.cli
    with RefusingHost(503) as refusing:
        trunk = f"out@{HOME}"
        cli("trunk", "add", trunk, "options_seconds=0")
        cli("trunk", "gateway", trunk, "127.0.0.1", f"port={refusing.port}", "priority=10")
        cli("trunk", "gateway", trunk, "127.0.0.2", f"port={port}", "priority=20")
        cli("rule", "add", HOME, r"match_regex=^\+", "tran_strip=1", "tran_trunk=out")
        backup = answers(bench, "carrier", port, address="127.0.0.2")
        calls(bench, alice, f"sip:+4930999@{HOME}").succeeds()
        backup.succeeds()
        wait_until(lambda: refusing.methods() == [b"INVITE", b"ACK"], "the first one has its ACK")
    (arrived,) = came(backup, b"INVITE")
    assert arrived.uri_raw.startswith(b"sip:4930999@127.0.0.2")


@pytest.mark.parametrize("password", ["carriers secret", "another"])
def test_a_carrier_that_asks_who_calls(
    hosts: Hosts, bench: Bench, tmp_path: Path, password: str
) -> None:
    """A Kamailio that wants digest credentials, for the call and for what follows in it. The caller
    sees one INVITE answered, or that the account is refused."""
    domain, port, callee = f"asks-{len(password)}.test", free_port(), free_port()
    platform = hosts.platform
    platform.add_domain(domain)
    caller, target = platform.add_user("ann", domain), f"sip:{DID}@{domain}"
    trunk = f"carrier@{domain}"
    words = ("trunk", "add", trunk, "account=fedsip", "options_seconds=0", "--password-stdin")
    platform.cli(*words, stdin=f"{password}\n")
    platform.cli("trunk", "gateway", trunk, "127.0.0.1", f"port={port}", "transport=udp")
    platform.cli("rule", "add", domain, r"match_regex=^\+", "tran_trunk=carrier")
    config = ASKING.format(port=port, callee=callee, password="carriers secret")
    carrier = kamailio(config, tmp_path / "carrier")
    try:
        if password == "another":
            bench.phone(
                *invite(caller, target),
                receive(502),
                send(ack_of_failure(caller, target, cseq=2), retransmit=False),
                name="refused",
            ).succeeds()
            return
        phone = bench.phone(*ring_and_answer("far"), *bye_at_callee(), name="far", port=callee)
        calls(bench, caller, target).succeeds()
        phone.succeeds()
    finally:
        carrier.stop()
    (arrived,) = came(phone, b"INVITE")
    assert not arrived.headers.has(b"proxy-authorization")  # Kamailio has consumed it
    (ack,) = came(phone, b"ACK")
    (bye,) = came(phone, b"BYE")
    assert (ack.cseq.number, bye.cseq.number) == (arrived.cseq.number, arrived.cseq.number + 1)
    assert arrived.cseq.number == 3  # 1 was ours to ask, 2 the carrier's


_REGISTRATIONS = """
from fedsip_platform.routing.models import GatewayRegistration
print(GatewayRegistration.objects.count())
"""


def test_a_carrier_with_which_we_register(hosts: Hosts, bench: Bench, tmp_path: Path) -> None:
    """A Kamailio that sends a number's calls to whoever has registered its account; when the trunk
    is switched off, the registration is taken back."""
    domain, port = "registers.test", free_port()
    platform = hosts.platform
    platform.add_domain(domain, "nat_keepalive=off")
    callee, phone_port = platform.add_user("bob", domain), free_port()
    bench.registered(callee, phone_port)
    platform.cli("alias", "add", f"{DID}@{domain}", "bob")
    trunk = f"carrier@{domain}"
    words = ("account=fedsip", "registers=on", "options_seconds=0", "--password-stdin")
    carrier = kamailio(
        REGISTERED_WITH.format(port=port, account="fedsip", password="carriers secret"),
        tmp_path / "carrier",
    )
    try:
        platform.cli("trunk", "add", trunk, *words, stdin="carriers secret\n")
        platform.cli("trunk", "gateway", trunk, "127.0.0.1", f"port={port}", "transport=udp")
        wait_until(lambda: ", registered," in platform.cli("trunk", "list"), "we are registered")
        phone = answers(bench, "bob", phone_port)
        target = f"sip:{DID}@127.0.0.1:{port}"
        bench.phone(
            send(request_text("INVITE", CARRIER, target, cseq=1, body=SDP)),
            receive(100, optional=True),
            receive(180, optional=True),
            receive(200, route_set=True),
            in_dialog("ACK", CARRIER, target, cseq=1),
            pause(0.2),
            *bye_from_caller(CARRIER, target, cseq=2),
            name="outside",
            proxy_port=port,
        ).succeeds()
        phone.succeeds()
        platform.cli("trunk", "set", trunk, "registers=off")
        wait_until(lambda: platform.python(_REGISTRATIONS).strip() == "0", "it is taken back")
        bench.phone(
            send(request_text("INVITE", CARRIER, target, cseq=1, body=SDP)),
            receive(404),
            send(ack_of_failure(CARRIER, target, cseq=1), retransmit=False),
            name="afterwards",
            proxy_port=port,
        ).succeeds()
    finally:
        carrier.stop()


@pytest.fixture(scope="module")
def number(hosts: Hosts) -> Party:
    """The user of closed.test who has the number; calls come by a carrier alone."""
    party = next(hosts.people[CLOSED])
    cli = hosts.platform.cli
    words = ("inbound_addresses=127.0.0.31", "inbound_tls_name=sbc.carrier.example")
    cli("trunk", "add", f"in@{CLOSED}", *words)
    cli("alias", "add", f"{DID}@{CLOSED}", party.user)
    return party


@pytest.mark.parametrize("address", ["127.0.0.31", "127.0.0.32"])
def test_number_called_from_an_address(
    hosts: Hosts, bench: Bench, number: Party, address: str
) -> None:
    """From the carrier's address it rings, without credentials; from any other it does not."""
    port, target = free_port(), f"sip:{DID}@{CLOSED}"
    bench.registered(number, port)
    is_carrier = address == "127.0.0.31"
    callee = answers(bench, number.user, port) if is_carrier else None
    rest = (
        receive(180),
        receive(200, route_set=True),
        in_dialog("ACK", CARRIER, target, cseq=1),
        pause(0.2),
        *bye_from_caller(CARRIER, target, cseq=2),
    )
    bench.phone(
        send(request_text("INVITE", CARRIER, target, cseq=1, body=SDP)),
        receive(100, optional=True),
        *(rest if is_carrier else (receive(403),)),
        name="carrier",
        address=address,
        proxy="127.0.0.1",
    ).succeeds()
    if callee is not None:
        callee.succeeds()


@pytest.mark.parametrize(
    ("name", "called"),
    [("sbc.carrier.example", CLOSED), ("sbc.carrier.example", ""), ("sbc.other.example", CLOSED)],
)
def test_number_called_over_tls(
    hosts: Hosts, bench: Bench, number: Party, tmp_path: Path, name: str, called: str
) -> None:
    """By the name of the number's domain, or by our address."""
    host = called or f"127.0.0.1:{hosts.platform.tls_port}"
    port, target = free_port(), f"sip:{DID}@{host}".encode()
    bench.registered(number, port)
    context = ssl.create_default_context(cafile=str(hosts.authority.trust))
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(*hosts.authority.issue(tmp_path / "carrier", name))
    facts = {"from_uri": CARRIER.aor.encode(), "contact": b"<sip:carrier@127.0.0.1;transport=tls>"}
    with TlsClient(("127.0.0.1", hosts.platform.tls_port), context) as carrier:
        asked = request(b"INVITE", target, via=carrier.via, body=SDP_OF_CARRIER, **facts)
        if name == "sbc.other.example":
            carrier.send(serialise(asked))
            assert carrier.final().status == 403
            return
        callee = answers(bench, number.user, port)
        carrier.send(serialise(asked))
        answer = carrier.final()
        assert answer.status == 200
        dialog = Dialog(asked, answer, is_caller=True)
        carrier.send(serialise(dialog.request(b"ACK", via=carrier.via)))
        carrier.send(serialise(dialog.request(b"BYE", via=carrier.via)))
        assert carrier.final().status == 200
        callee.succeeds()


SDP_OF_CARRIER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)
