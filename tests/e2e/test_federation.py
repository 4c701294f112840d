"""Two whole platforms and Kamailio call each other by name: DNS, TLS, sound, hold, BYE."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.test_baresip_calls import talk
from tests.harness.authority import Authority
from tests.harness.baresip import Account, Baresip
from tests.harness.dns_server import DnsThread, Zones
from tests.harness.kamailio import MODULES, kamailio
from tests.harness.platform import Platform
from tests.harness.processes import free_port

pytestmark = pytest.mark.e2e

TRANSPORTS = ("udp", "tcp", "tls")
SERVICES = {"udp": "SIP+D2U _sip._udp", "tcp": "SIP+D2T _sip._tcp", "tls": "SIPS+D2T _sips._tcp"}
A, B = "127.0.0.11", "127.0.0.12"

# Somebody else's proxy: what is of its domain goes to its phones, all else to the next hop.
NEIGHBOUR = """\
#!KAMAILIO
children=1
tcp_children=1
log_stderror=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
alias="neighbour.test"
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
request_route {{
  if (!mf_process_maxfwd_header("70")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (is_method("REGISTER")) {{ save("location"); exit; }}
  record_route();
  if (uri==myself) {{
    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
  }} else {{
    $du = "{onward}";
  }}
  t_relay();
}}
"""


@dataclass
class Internet:
    """Two platforms, their DNS, and the domains a-TRANSPORT.test and b-TRANSPORT.test."""

    a: Platform
    b: Platform
    dns: DnsThread
    tables: dict[str, str]

    def publish(self, domain: str, transport: str, address: str, port: int) -> None:
        """Let a domain be found there, by that transport alone."""
        service, prefix = SERVICES[transport].split()
        self.tables[domain] = f"""
            @        NAPTR 10 10 "s" "{service}" "" {prefix}
            {prefix} SRV 10 10 {port} host
            host     A {address}
            """
        self.dns.server.zones = Zones(self.tables)


@pytest.fixture(scope="module")
def internet(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Internet]:
    folder = tmp_path_factory.mktemp("internet")
    authority = Authority(folder / "authority")
    with ExitStack() as stack:
        dns = stack.enter_context(DnsThread(Zones({"empty.test": ""})))

        def platform(letter: str, address: str) -> Platform:
            certificate, key = authority.issue(folder / f"{letter}-tls", f"sip:{letter}-tls.test")
            return Platform(
                folder / letter,
                database_url=_new_database(),
                addresses=(address,),
                settings={
                    "FEDSIP_SIP_DNS_SERVERS": dns.address,
                    "FEDSIP_TLS_CERT": str(certificate),
                    "FEDSIP_TLS_KEY": str(key),
                    "FEDSIP_TLS_CA": str(authority.trust),
                },
            )

        found = Internet(platform("a", A), platform("b", B), dns, {})
        for letter, place in (("a", found.a), ("b", found.b)):
            stack.enter_context(place)
            for transport in TRANSPORTS:
                policy = ["federation=verified_tls", "federation_in=verified_tls"]
                name = f"{letter}-{transport}.test"
                place.add_domain(name, *(policy if transport == "tls" else []))
                port = place.tls_port if transport == "tls" else place.port
                found.publish(name, transport, place.address, port)
        yield found


PhoneAt = Callable[[Platform, str], Baresip]


@pytest.fixture
def phone_at(phones: ExitStack, tmp_path: Path) -> PhoneAt:
    """A registered phone of a new user: `phone_at(platform, "a-udp.test")`."""
    count = iter(range(1, 99))

    def start(place: Platform, domain: str) -> Baresip:
        seed = next(count)
        party = place.add_user(f"u{os.urandom(3).hex()}", domain)
        phone = phones.enter_context(
            Baresip(place.account(party), tmp_path / f"{domain}-{seed}", seed=seed)
        )
        phone.registers()
        return phone

    return start


def vias_at(phone: Baresip) -> list[str]:
    """Transport and host of each Via of the INVITE that came, the nearest first."""
    head = phone.program.text().split("INVITE sip:")[1].split("\n\n")[0]
    values = [line[5:].split() for line in head.splitlines() if line.startswith("Via: ")]
    return [f"{value[0].rpartition('/')[2]} {value[1].partition(':')[0]}" for value in values]


def holds_and_resumes(holder: Baresip, held: Baresip) -> None:
    holder.command("hold")
    held.program.awaits(r"^a=sendonly")
    held.program.awaits(r"^ACK sip:")
    holder.command("resume")
    held.program.awaits(r"^a=sendrecv")
    held.program.awaits(r"^ACK sip:")


@pytest.mark.parametrize(
    ("transport", "from_letter", "ender"),
    [
        ("udp", "a", "caller"),
        ("udp", "b", "callee"),
        ("tcp", "a", "callee"),
        ("tcp", "b", "caller"),
        ("tls", "a", "caller"),
        ("tls", "b", "callee"),
    ],
)
def test_platforms_call_each_other(
    internet: Internet, phone_at: PhoneAt, transport: str, from_letter: str, ender: str
) -> None:
    places = {"a": internet.a, "b": internet.b}
    to_letter = "b" if from_letter == "a" else "a"
    caller = phone_at(places[from_letter], f"{from_letter}-{transport}.test")
    callee = phone_at(places[to_letter], f"{to_letter}-{transport}.test")
    talk(caller, callee)
    assert vias_at(callee)[1] == f"{transport.upper()} {places[from_letter].address}"
    holds_and_resumes(callee, caller)
    (caller if ender == "caller" else callee).command("hangup")
    (callee if ender == "caller" else caller).closed()


def test_stranger_without_a_certificate_is_told_why(internet: Internet, phone_at: PhoneAt) -> None:
    """From a domain that is found over UDP to one that wants its callers to prove themselves."""
    internet.publish("strict.test", "udp", B, internet.b.port)
    internet.b.add_domain("strict.test", "federation_in=verified_tls")
    caller = phone_at(internet.a, "a-udp.test")
    caller.dials("sip:anybody@strict.test")
    assert "421" in caller.closed()
    caller.program.awaits(r"^Warning: 399 strict\.test ")


@pytest.mark.parametrize(("proxies", "ender"), [(1, "callee"), (2, "caller")])
def test_call_crosses_proxies_of_others(
    internet: Internet,
    phone_at: PhoneAt,
    phones: ExitStack,
    tmp_path: Path,
    proxies: int,
    ender: str,
) -> None:
    onward = f"sip:{B}:{internet.b.port};transport=tcp"
    port = 0
    for number in range(proxies):
        port = free_port()
        config = NEIGHBOUR.format(port=port, modules=MODULES, onward=onward)
        phones.enter_context(kamailio(config, tmp_path / f"kamailio{number}"))
        onward = f"sip:127.0.0.1:{port}"
    domain = f"behind{proxies}.test"
    internet.b.add_domain(domain)
    internet.publish(domain, "udp", "127.0.0.1", port)
    caller = phone_at(internet.a, "a-udp.test")
    callee = phone_at(internet.b, domain)
    talk(caller, callee)
    assert len(vias_at(callee)) == 3 + proxies
    holds_and_resumes(caller, callee)
    (caller if ender == "caller" else callee).command("hangup")
    (callee if ender == "caller" else caller).closed()


def test_foreign_domain_on_kamailio(
    internet: Internet, phone_at: PhoneAt, phones: ExitStack, tmp_path: Path
) -> None:
    port = free_port()
    onward = f"sip:{A}:{internet.a.port};transport=tcp"
    config = NEIGHBOUR.format(port=port, modules=MODULES, onward=onward)
    phones.enter_context(kamailio(config, tmp_path / "kamailio"))
    internet.publish("neighbour.test", "udp", "127.0.0.1", port)
    account = Account("nora", "neighbour.test", "-", f"sip:127.0.0.1:{port};transport=udp")
    nora = phones.enter_context(Baresip(account, tmp_path / "nora", seed=77))
    nora.registers()
    ours = phone_at(internet.a, "a-udp.test")
    talk(ours, nora)
    holds_and_resumes(nora, ours)
    nora.command("hangup")
    ours.closed()
