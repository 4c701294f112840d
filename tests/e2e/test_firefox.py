"""The softphone page in Firefox: with desk phones, each calling, and with Chromium.

Firefox takes no address of the loopback device for sound, so the relay and the desk phones have the
machine's own.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_encrypted_calls import protocols
from tests.harness.baresip import Baresip
from tests.harness.browser import Chromiums
from tests.harness.capture import captured
from tests.harness.firefox import Firefox
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, hear_each_other, pages_hear, talk
from tests.harness.wires import check_wires, legs_of

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, ENCRYPTED = "firefox.test", "encrypted-firefox.test"
PAGE = "UDP/TLS/RTP/SAVPF DTLS-SRTP"


@pytest.fixture(scope="module")
def own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as us:
        us.connect(("192.0.2.1", 9))  # which sends nothing
        return str(us.getsockname()[0])


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, migrated_url: str, own_address: str
) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("firefox-platform")
    settings = {
        "FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "FEDSIP_MEDIA_IPV4": own_address,
    }
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="firefox")
        running.add_domain(ENCRYPTED, "media_policy=always", "srtp=required", tenant="firefox")
        yield running


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with Firefox(tmp_path_factory.mktemp("firefox"), seed=80) as running:
        yield running


@pytest.fixture
def softphone(platform: Platform, firefox: Firefox, tmp_path: Path) -> Iterator[Softphones]:
    with Softphones(platform, [firefox], DOMAIN, tmp_path) as phones:
        yield phones


@pytest.mark.parametrize("calls", ["page", "desk"])
@pytest.mark.parametrize(
    ("transport", "mediaenc", "domain", "spoken"),
    [("udp", "", DOMAIN, "RTP/AVP"), ("tls", "srtp-mand", ENCRYPTED, "RTP/SAVP SDES")],
)
def test_with_a_desk_phone(
    softphone: Softphones,
    platform: Platform,
    firefox: Firefox,
    baresip: Callable[..., Baresip],
    own_address: str,
    transport: str,
    mediaenc: str,
    domain: str,
    spoken: str,
    calls: str,
    tmp_path: Path,
) -> None:
    """With hold from both sides; the page is loaded again in the call that it has made."""
    name, file = f"{calls}-{transport}", tmp_path / "call.pcap"
    extra = f";mediaenc={mediaenc}" if mediaenc else ""
    party = platform.add_user(f"desk-{name}", domain)
    desk = baresip(party, transport, extra=extra, interface=own_address)
    page = softphone(name)
    with captured(file, platform.media_ports):
        if calls == "page":
            page.dials(desk.account.aor)
            desk.accepts()
        else:
            desk.dials(f"sip:{name}@{DOMAIN}")
            page.answers()
        page.is_in("talking")
        hear_each_other(page, desk)
        assert sorted(protocols(platform, desk.call_id())) == sorted([PAGE, spoken])
        legs = legs_of(platform.ng_port, desk.call_id())
        page.holds()
        desk.program.awaits(r"^a=(sendonly|inactive)")
        page.resumes()
        desk.program.awaits(r"^ACK sip:")
        hear_each_other(page, desk)
        desk.command("hold")
        desk.program.awaits(r"^SIP/2.0 200")
        desk.command("resume")
        desk.program.awaits(r"^SIP/2.0 200")
        hear_each_other(page, desk)
        if calls == "page":
            page.changes_its_socket()
            hear_each_other(page, desk)
            page.page.reload()
            page.is_in("talking")
            hear_each_other(page, desk)
        page.clicks("end")
        desk.closed()
    check_wires(file, legs, signalling=desk.program.text())


@pytest.mark.parametrize("calls", ["Firefox", "Chromium"])
def test_with_chromium(
    softphone: Softphones,
    platform: Platform,
    firefox: Firefox,
    browsers: Chromiums,
    calls: str,
    tmp_path: Path,
) -> None:
    fox = softphone(f"fox-{calls.lower()}")
    with Softphones(platform, browsers, DOMAIN, tmp_path) as others:
        name = f"chrome-{calls.lower()}"
        chrome = others(name)
        if calls == "Firefox":
            talk(fox, chrome, name)
        else:
            talk(chrome, fox, f"fox-{calls.lower()}")
        for _ in range(2):
            pages_hear(fox, chrome)
            fox.holds()
            fox.resumes()
        fox.clicks("end")
        chrome.has_no_call()
