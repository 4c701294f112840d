"""One OPTIONS to a hop, over each transport, to servers that answer and to those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from proxy.locate.hop import Hop
from proxy.sip.codec import parse, serialise
from proxy.sip.message import Request, Response
from proxy.transport.flow import Flow
from proxy.transport.probe import options_to, probe
from tests.harness.authority import Authority

from .conftest import OpenOffice
from .peers import Office, make_certificate


def answering(office: Office, status: int = 200, asked: list[bytes] | None = None) -> Office:
    def answer(message: Request | Response, flow: Flow) -> None:
        assert isinstance(message, Request)
        assert message.method == b"OPTIONS"
        if asked is not None:
            asked.append(message.uri_raw)
        for each in (100, status):
            office.layer.send(serialise(message.response(each)), flow)

    office.on_message = answer
    return office


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
async def test_answer(open_office: OpenOffice, protocol: str) -> None:
    asked: list[bytes] = []
    office = answering(await open_office(), 404, asked)
    host, port = office.address(protocol)
    found = await probe(Hop(protocol, host, port, "node.test"))
    assert asked == [b"sip:node.test:%d" % port]
    assert (found.status, found.reason) == (404, "Not Found")
    assert bool(found.certificate) == (protocol == "tls")


@pytest.mark.parametrize(
    ("hop", "uri"),
    [
        (Hop("udp", "192.0.2.1", 5060), b"sip:192.0.2.1"),
        (Hop("tcp", "2001:db8::1", 5070), b"sip:[2001:db8::1]:5070"),
        (Hop("tls", "192.0.2.1", 5061, "b.test"), b"sip:b.test"),
        (Hop("tls", "192.0.2.1", 5060, "b.test"), b"sip:b.test:5060"),
    ],
)
def test_whom_it_is_for(hop: Hop, uri: bytes) -> None:
    """The port is told unless it is the transport's own (RFC 3261 s19.1.2)."""
    request = parse(options_to(hop, ("192.0.2.7", 40_000)))
    assert isinstance(request, Request)
    assert (request.uri_raw, request.to.uri.serialise()) == (uri, uri)


async def test_certificate_is_judged(tmp_path: Path, open_office: OpenOffice) -> None:
    authority = Authority(tmp_path / "authority")
    authority.issue(tmp_path / "b", "b.test")
    office = answering(await open_office(state_dir=tmp_path / "b"))
    place = ("tls", *office.address("tls"))
    good = await probe(Hop(*place, "b.test"), trust=authority.trust)
    assert (good.status, good.certificate) == (200, "")
    other = await probe(Hop(*place, "c.test"), trust=authority.trust)
    assert (other.status, other.certificate) == (200, "not one for c.test")
    make_certificate(tmp_path / "self", "b.test", [x509.DNSName("b.test")])
    office = answering(await open_office(state_dir=tmp_path / "self"))
    unknown = await probe(Hop("tls", *office.address("tls"), "b.test"), trust=authority.trust)
    assert unknown.status == 200
    assert unknown.certificate.startswith("not trusted: ")


@pytest.mark.parametrize("protocol", ["udp", "tcp", "tls"])
async def test_nobody_there(host: str, open_office: OpenOffice, protocol: str) -> None:
    office = await open_office()
    place = office.address(protocol)
    office.layer.close()
    found = await probe(Hop(protocol, *place, "b.test"), seconds=5.0)
    assert (found.status, found.reason) == (None, "Connection refused")


async def test_silence(open_office: OpenOffice) -> None:
    office = await open_office()
    found = await probe(Hop("udp", *office.address("udp")), seconds=0.2)
    assert (found.status, found.reason) == (None, "no answer within 0.2 s")
    assert (await probe(Hop("ws", "192.0.2.1", 80))).status is None
