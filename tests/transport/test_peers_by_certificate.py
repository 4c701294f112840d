"""Two nodes that prove by their certificates for which SIP domains they speak (RFC 5922)."""

from __future__ import annotations

import asyncio
import ssl
from asyncio.subprocess import DEVNULL, PIPE
from functools import partial
from pathlib import Path

import pytest
from cryptography import x509

from proxy.locate.hop import Hop
from proxy.sip.codec import serialise
from proxy.sip.message import Request
from proxy.transport.flow import Flow, FlowFailed
from tests.harness.authority import Authority

from .conftest import OpenOffice
from .peers import Office, make_certificate, options, soon


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def open_trusting(open_office: OpenOffice, authority: Authority) -> OpenOffice:
    """Start a layer that trusts the authority."""
    return partial(open_office, tls_ca=str(authority.trust))


@pytest.fixture
async def hosting(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> tuple[Office, Office]:
    """Ours, a.test, which hosts hosted.test as well; and theirs, b.test."""
    folder = place(tmp_path / "a", authority, "a.test")
    place(folder / "domains" / "hosted.test", authority, "hosted.test")
    ours = await open_trusting(state_dir=folder)
    return ours, await open_trusting(state_dir=place(tmp_path / "b", authority, "b.test"))


def place(folder: Path, authority: Authority, *names: str) -> Path:
    """A state folder whose node has a certificate for these names."""
    authority.issue(folder, *names)
    return folder


def hop_to(office: Office, domain: str, *, is_verified: bool = True, shown_as: str = "") -> Hop:
    return Hop("tls", *office.address("tls"), domain, is_verified, shown_as)


async def greeted(ours: Office, theirs: Office, hop: Hop) -> tuple[bool, bool]:
    """Send over the hop; whether either side knows the other as b.test and a.test."""
    flow = await ours.layer.open(hop, now=0.0)
    ours.layer.send(options(), flow)
    _, arrived = await theirs.next()
    return ours.layer.is_verified(flow, b"b.test"), theirs.layer.is_verified(arrived, b"a.test")


@pytest.mark.parametrize("name", ["b.test", "sip:b.test"])
async def test_both_sides_know_each_other(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice, name: str
) -> None:
    ours = await open_trusting(state_dir=place(tmp_path / "a", authority, "a.test"))
    theirs = await open_trusting(state_dir=place(tmp_path / "b", authority, name))
    assert await greeted(ours, theirs, hop_to(theirs, "b.test")) == (True, True)


async def test_certificate_for_another_domain_is_refused(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    """A DNS name beside a SIP URI does not count, nor does a valid certificate of somebody else."""
    ours = await open_trusting(state_dir=place(tmp_path / "a", authority, "a.test"))
    folder = place(tmp_path / "b", authority, "sip:other.test", "b.test")
    theirs = await open_trusting(state_dir=folder)
    with pytest.raises(FlowFailed, match=r"is not one for b\.test"):
        await ours.layer.open(hop_to(theirs, "b.test"), now=0.0)
    assert await greeted(ours, theirs, hop_to(theirs, "b.test", is_verified=False)) == (False, True)


async def test_unknown_authority_is_refused(
    tmp_path: Path, authority: Authority, open_office: OpenOffice
) -> None:
    ours = await open_office(state_dir=place(tmp_path / "a", authority, "a.test"))
    theirs = await open_office(state_dir=place(tmp_path / "b", authority, "b.test"))
    with pytest.raises(FlowFailed, match="certificate verify failed"):
        await ours.layer.open(hop_to(theirs, "b.test"), now=0.0)


async def test_unverified_connection_is_not_used_where_one_must_be_verified(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    ours = await open_trusting(state_dir=place(tmp_path / "a", authority, "a.test"))
    theirs = await open_trusting(state_dir=place(tmp_path / "b", authority, "b.test"))
    easy = await ours.layer.open(hop_to(theirs, "b.test", is_verified=False), now=0.0)
    strict = await ours.layer.open(hop_to(theirs, "b.test"), now=0.0)
    assert easy != strict
    assert [ours.layer.serves_both_ways(one) for one in (easy, strict)] == [False, True]
    assert not ours.layer.is_verified(easy, b"b.test")
    assert ours.layer.flow_for_hop(hop_to(theirs, "b.test")) == strict


async def test_certificate_of_the_calling_domain_is_shown(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    folder = place(tmp_path / "a", authority, "node.test")
    place(folder / "domains" / "a.test", authority, "a.test")
    ours = await open_trusting(state_dir=folder)
    theirs = await open_trusting(state_dir=place(tmp_path / "b", authority, "b.test"))
    hop = hop_to(theirs, "b.test", shown_as="a.test")
    assert await greeted(ours, theirs, hop) == (True, True)
    other = hop_to(theirs, "b.test", shown_as="no-certificate.test")
    assert await greeted(ours, theirs, other) == (True, False)
    assert ours.layer.flow_count == 2


async def test_self_signed_certificate_is_not_shown(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    """Whoever asks for a certificate would hang up on it; so we come without one."""
    make_certificate(tmp_path / "a", "a.test", [x509.DNSName("a.test")])
    ours = await open_trusting(state_dir=tmp_path / "a")
    folder = place(tmp_path / "b", authority, "b.test")
    theirs = await open_trusting(state_dir=folder)
    assert await greeted(ours, theirs, hop_to(theirs, "b.test")) == (True, False)


@pytest.mark.parametrize("asks", [True, False])
async def test_unknown_certificate_proves_nothing_and_is_no_hindrance(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice, asks: bool
) -> None:
    stranger = Authority(tmp_path / "stranger", "Unknown")
    ours = await open_trusting(state_dir=place(tmp_path / "a", stranger, "a.test"))
    folder = place(tmp_path / "b", authority, "b.test")
    theirs = await open_trusting(state_dir=folder, tls_ask=asks)
    assert await greeted(ours, theirs, hop_to(theirs, "b.test")) == (True, False)


async def arrived_from(
    ours: Office, theirs: Office, domain: str, *, alias: bytes = b";alias", port: int = 0
) -> Flow:
    """They connect to us for `domain` and send a request by which we know their port."""
    flow = await theirs.layer.open(hop_to(ours, domain), now=0.0)
    port = port or theirs.settings.tls_port
    via = b"SIP/2.0/TLS proxy.b.test:%d%b;branch=z9hG4bK1" % (port, alias)
    theirs.layer.send(options(via=via.decode()), flow)
    _, arrived = await ours.next()
    return arrived


async def test_connection_that_was_opened_to_us_serves_both_ways(
    hosting: tuple[Office, Office],
) -> None:
    """RFC 5923: to whom it has proved to be, and shown as whom it has asked for."""
    ours, theirs = hosting
    hop = hop_to(theirs, "b.test")
    assert ours.layer.flow_for_hop(hop) is None
    arrived = await arrived_from(ours, theirs, "a.test")
    assert ours.layer.flow_for_hop(hop) == arrived
    assert not ours.layer.serves_both_ways(arrived)
    assert theirs.layer.serves_both_ways(await theirs.layer.open(hop_to(ours, "a.test"), now=0.0))
    assert ours.layer.flow_for_hop(hop_to(theirs, "other.test")) is None
    assert ours.layer.flow_for_hop(hop_to(theirs, "b.test", shown_as="hosted.test")) is None
    ours.layer.send(options(), arrived)
    await theirs.next()
    assert (ours.layer.flow_count, theirs.layer.flow_count) == (1, 1)
    theirs.layer.close()
    assert await soon(ours.closed.get()) == arrived
    assert ours.layer.flow_for_hop(hop) is None


async def test_a_connection_has_one_alias(hosting: tuple[Office, Office]) -> None:
    """The last that it said: each port in a Via would be one more to remember otherwise."""
    ours, theirs = hosting
    hop = hop_to(theirs, "b.test")
    for port in (9, 10, 11):
        arrived = await arrived_from(ours, theirs, "a.test", port=port)
        elsewhere = [Hop("tls", hop.address, other, "b.test", True) for other in (9, 10, 11)]
        found = [ours.layer.flow_for_hop(one) for one in elsewhere]
        assert [one.port for one, flow in zip(elsewhere, found, strict=True) if flow] == [port]
    assert await arrived_from(ours, theirs, "a.test") == arrived
    assert ours.layer.flow_for_hop(hop) == arrived
    assert not any(ours.layer.flow_for_hop(one) for one in elsewhere)


async def test_connection_for_a_hosted_domain_serves_that_domain(
    hosting: tuple[Office, Office],
) -> None:
    ours, theirs = hosting
    arrived = await arrived_from(ours, theirs, "hosted.test")
    assert ours.layer.flow_for_hop(hop_to(theirs, "b.test")) is None
    assert ours.layer.flow_for_hop(hop_to(theirs, "b.test", shown_as="hosted.test")) == arrived


async def test_connection_serves_one_way_where_nobody_said_otherwise_or_proved_himself(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    stranger = Authority(tmp_path / "stranger", "Unknown")
    ours = await open_trusting(state_dir=place(tmp_path / "a", authority, "a.test"))
    silent = await open_trusting(state_dir=place(tmp_path / "b", authority, "b.test"))
    unknown = await open_trusting(state_dir=place(tmp_path / "c", stranger, "b.test"))
    await arrived_from(ours, silent, "a.test", alias=b"")
    await arrived_from(ours, unknown, "a.test")
    for office in (silent, unknown):
        assert ours.layer.flow_for_hop(hop_to(office, "b.test")) is None


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
async def test_phone_with_a_certificate_of_its_maker(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice, version: str
) -> None:
    """What openssl says of it as well: it was asked, showed its certificate, and is heard."""
    make_certificate(tmp_path / "phone", "phone.test", [x509.DNSName("a.test")])
    folder = place(tmp_path / "b", authority, "b.test")
    place(folder / "domains" / "hosted.test", authority, "hosted.test")
    theirs = await open_trusting(state_dir=folder)
    host, port = theirs.address("tls")
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    # fmt: off
    phone = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", where, version, "-servername", "hosted.test",
        "-cert", tmp_path / "phone" / "cert.pem", "-key", tmp_path / "phone" / "key.pem",
        "-CAfile", authority.trust, "-verify_return_error", "-ign_eof",
        stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
    )
    # fmt: on
    assert phone.stdin is not None
    assert phone.stdout is not None
    phone.stdin.write(options())
    message, flow = await theirs.next()
    assert isinstance(message, Request)
    assert not theirs.layer.is_verified(flow, b"a.test")
    theirs.layer.send(serialise(message.response(200)), flow)
    said = await soon(phone.stdout.readuntil(b"SIP/2.0 200 OK"))
    assert b"hosted.test" in said
    assert b"Client Certificate Types" in said or b"Requested Signature Algorithms" in said
    phone.kill()
    await phone.wait()
    assert await soon(theirs.closed.get()) == flow


async def test_no_session_is_taken_up_again_unverified(
    tmp_path: Path, authority: Authority, open_trusting: OpenOffice
) -> None:
    theirs = await open_trusting(state_dir=place(tmp_path / "b", authority, "b.test"))
    context = ssl.create_default_context(cafile=str(authority.trust))
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection(*theirs.address("tls"), ssl=context)
    session = writer.get_extra_info("ssl_object").session
    writer.close()
    assert not session.has_ticket
    assert not session.id
