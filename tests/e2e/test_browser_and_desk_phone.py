"""A softphone page and desk phones that speak plain RTP, SDES and DTLS-SRTP, through our relay."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_encrypted_calls import protocols
from tests.harness.baresip import Baresip, desks_hear
from tests.harness.browser import BrowserPhone
from tests.harness.capture import captured
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, hear_each_other, hears_keys_of
from tests.harness.wires import check_wires, legs_of

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, ENCRYPTED, BY_DTLS = "desks.test", "encrypted-desks.test", "dtls-desks.test"
PAGE = "UDP/TLS/RTP/SAVPF DTLS-SRTP"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", tenant="desks")
    web_platform.add_domain(ENCRYPTED, "media_policy=always", "srtp=required", tenant="desks")
    web_platform.add_domain(BY_DTLS, "media_policy=always", "srtp=dtls", tenant="desks")
    return web_platform


Desk = Callable[..., Baresip]


@pytest.fixture
def desk(platform: Platform, baresip: Callable[..., Baresip]) -> Desk:
    """Starts a phone of a new user: `desk("tls", mediaenc="srtp-mand")`."""

    def start(
        transport: str = "udp", *, domain: str = DOMAIN, mediaenc: str = "", **how: object
    ) -> Baresip:
        party = platform.add_user(f"desk{os.urandom(3).hex()}", domain)
        extra = f";mediaenc={mediaenc}" if mediaenc else ""
        return baresip(party, transport, extra=extra, **how)

    return start


def talk(page: BrowserPhone, desk: Baresip) -> None:
    page.dials(desk.account.aor)
    desk.accepts()
    page.is_in("talking")


@pytest.mark.parametrize(
    ("transport", "mediaenc", "domain", "spoken"),
    [
        ("udp", "", DOMAIN, "RTP/AVP"),
        ("tls", "srtp-mand", ENCRYPTED, "RTP/SAVP SDES"),
        ("tcp", "dtls_srtp", BY_DTLS, PAGE),
    ],
)
def test_the_page_calls(
    softphone: Softphones,
    platform: Platform,
    desk: Desk,
    transport: str,
    mediaenc: str,
    domain: str,
    spoken: str,
    tmp_path: Path,
) -> None:
    page, file = softphone(f"to{transport}"), tmp_path / "call.pcap"
    phone = desk(transport, mediaenc=mediaenc, domain=domain)
    with captured(file, platform.media_ports):
        talk(page, phone)
        hear_each_other(page, phone)
        assert sorted(protocols(platform, phone.call_id())) == sorted([PAGE, spoken])
        legs = legs_of(platform.ng_port, phone.call_id())
        page.clicks("end")
        phone.closed()
    check_wires(file, legs, signalling=phone.program.text())


@pytest.mark.parametrize(
    ("transport", "mediaenc", "spoken"),
    [
        ("udp", "", "RTP/AVP"),
        ("tls", "srtp-mand", "RTP/SAVP SDES"),
        ("tls", "dtls_srtp", PAGE),
    ],
)
def test_the_desk_phone_calls(
    softphone: Softphones,
    platform: Platform,
    desk: Desk,
    transport: str,
    mediaenc: str,
    spoken: str,
    tmp_path: Path,
) -> None:
    name, file = f"from{mediaenc}", tmp_path / "call.pcap"
    page, phone = softphone(name), desk(transport, mediaenc=mediaenc)
    with captured(file, platform.media_ports):
        phone.dials(f"sip:{name}@{DOMAIN}")
        page.answers()
        phone.established()
        hear_each_other(page, phone)
        assert sorted(protocols(platform, phone.call_id())) == sorted([PAGE, spoken])
        legs = legs_of(platform.ng_port, phone.call_id())
        phone.command("hangup")
        page.has_no_call()
    check_wires(file, legs, signalling=phone.program.text())


def test_hold_from_either_side_and_tones(softphone: Softphones, desk: Desk) -> None:
    page, phone = softphone("holder"), desk("tls", mediaenc="srtp")
    talk(page, phone)
    hear_each_other(page, phone)

    page.holds()
    phone.program.awaits(r"^a=(sendonly|inactive)")
    page.resumes()
    phone.program.awaits(r"^ACK sip:")
    hear_each_other(page, phone)

    phone.command("hold")
    phone.program.awaits(r"^SIP/2.0 200")
    page.page.get_by_text("They have put you on hold.").wait_for()
    phone.command("resume")
    phone.program.awaits(r"^SIP/2.0 200")
    hear_each_other(page, phone)

    for key in "5#":
        page.page.get_by_role("button", name=key, exact=True).click()
        phone.program.awaits(rf"received event: '{key}'")
    page.page.get_by_text("Keys: 5#").wait_for()
    hears_keys_of(page, phone, "5", "#")

    phone.command("reinvite")
    phone.program.awaits(r"^SIP/2.0 200")
    hear_each_other(page, phone)

    page.clicks("end")
    phone.closed()


def test_a_call_outlives_its_socket(softphone: Softphones, desk: Desk) -> None:
    page, phone = softphone("cut"), desk("tls", mediaenc="srtp")
    talk(page, phone)
    hear_each_other(page, phone)
    page.changes_its_socket()
    hear_each_other(page, phone)
    phone.command("hangup")  # finds the page's new socket
    page.has_no_call()


def test_blind_transfer_to_another_desk_phone(softphone: Softphones, desk: Desk) -> None:
    page, phone, other = softphone("passes"), desk(), desk("tcp")
    talk(page, phone)
    hear_each_other(page, phone)
    page.transfers_to(other.account.aor)
    other.accepts()
    other.established()
    page.has_no_call()
    desks_hear(other, phone)
    other.command("hangup")


def test_a_call_goes_on_when_the_page_is_loaded_again(softphone: Softphones, desk: Desk) -> None:
    page, phone = softphone("reloads"), desk("tls", mediaenc="srtp")
    talk(page, phone)
    hear_each_other(page, phone)
    page.page.reload()
    page.is_in("talking")
    hear_each_other(page, phone)
    phone.command("hangup")
    page.has_no_call()
