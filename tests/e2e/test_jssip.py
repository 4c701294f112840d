"""JsSIP with a pass that REST gives: it and the softphone page and a desk phone call each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_encrypted_calls import protocols
from tests.harness.baresip import Baresip, desks_hear
from tests.harness.capture import captured
from tests.harness.jssip import JsSip
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, hear_each_other, pages_hear
from tests.harness.wires import WEBRTC, check_wires, legs_of

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, ENCRYPTED, BY_DTLS = "jssip.test", "encrypted-jssip.test", "dtls-jssip.test"
PAGE = "UDP/TLS/RTP/SAVPF DTLS-SRTP"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", tenant="jssip")
    web_platform.add_domain(ENCRYPTED, "media_policy=always", "srtp=required", tenant="jssip")
    web_platform.add_domain(BY_DTLS, "media_policy=always", "srtp=dtls", tenant="jssip")
    return web_platform


@pytest.fixture
def jssip(softphone: Softphones, tmp_path: Path) -> Callable[[str], JsSip]:
    return lambda name: JsSip(softphone(name, bypass_csp=True), tmp_path)


@pytest.mark.parametrize("calls", ["jssip", "page"])
def test_with_the_softphone_page(
    softphone: Softphones,
    platform: Platform,
    jssip: Callable[[str], JsSip],
    calls: str,
    tmp_path: Path,
) -> None:
    page, other = softphone(f"page-{calls}"), jssip(f"other-{calls}")
    file = tmp_path / "call.pcap"
    with captured(file, platform.media_ports):
        if calls == "jssip":
            other.dials(f"sip:page-{calls}@{DOMAIN}")
            page.answers()
        else:
            page.dials(f"other-{calls}")
            other.answers()
        page.is_in("talking")
        other.is_talking()
        pages_hear(page, other)
        ports = page.far_ports() + other.far_ports()
    check_wires(file, dict.fromkeys(ports, WEBRTC))
    other.says(f"sip:page-{calls}@{DOMAIN}", "Bonjour")
    page.page.get_by_role("tab", name="Messages").click()
    page.page.wait_for_selector(".phone-theirs >> text=Bonjour")
    page.says(f"other-{calls}", "Salut")
    other.reads("Salut")
    other.ends()
    page.has_no_call()


@pytest.mark.parametrize("calls", ["jssip", "desk"])
@pytest.mark.parametrize(
    ("transport", "mediaenc", "domain", "spoken"),
    [
        ("udp", "", DOMAIN, "RTP/AVP"),
        ("tls", "srtp-mand", ENCRYPTED, "RTP/SAVP SDES"),
        ("tcp", "dtls_srtp", BY_DTLS, PAGE),
    ],
)
def test_with_a_desk_phone(
    platform: Platform,
    jssip: Callable[[str], JsSip],
    baresip: Callable[..., Baresip],
    transport: str,
    mediaenc: str,
    domain: str,
    spoken: str,
    calls: str,
    tmp_path: Path,
) -> None:
    name = f"{calls}-{transport}"
    extra = f";mediaenc={mediaenc}" if mediaenc else ""
    desk = baresip(platform.add_user(f"desk-{name}", domain), transport, extra=extra)
    phone, file = jssip(name), tmp_path / "call.pcap"
    with captured(file, platform.media_ports):
        if calls == "jssip":
            phone.dials(desk.account.aor)
            desk.accepts()
        else:
            desk.dials(f"sip:{name}@{DOMAIN}")
            phone.answers()
        phone.is_talking()
        hear_each_other(phone, desk)
        assert sorted(protocols(platform, desk.call_id())) == sorted([PAGE, spoken])
        legs = legs_of(platform.ng_port, desk.call_id())
        phone.holds()
        desk.program.awaits(r"^a=(sendonly|inactive)")
        phone.resumes()
        hear_each_other(phone, desk)
        desk.command("hangup")
        phone.ended()
    check_wires(file, legs, signalling=desk.program.text())


def test_a_call_that_is_offered_anew_and_outlives_its_socket(
    platform: Platform,
    jssip: Callable[[str], JsSip],
    baresip: Callable[..., Baresip],
) -> None:
    desk = baresip(platform.add_user("stays", ENCRYPTED), "tls", extra=";mediaenc=srtp-mand")
    phone = jssip("goes-on")
    phone.dials(desk.account.aor)
    desk.accepts()
    phone.is_talking()
    desk.command("reinvite")
    desk.program.awaits(r"^SIP/2.0 200")
    hear_each_other(phone, desk)
    phone.offers_anew()
    hear_each_other(phone, desk)
    phone.changes_its_socket()
    hear_each_other(phone, desk)
    phone.offers_anew()
    hear_each_other(phone, desk)
    desk.command("hangup")  # finds the new socket
    phone.ended()


def test_it_transfers_a_desk_phone_and_writes_to_it(
    platform: Platform,
    jssip: Callable[[str], JsSip],
    baresip: Callable[..., Baresip],
) -> None:
    phone = jssip("transfers")
    one, other = (baresip(platform.add_user(f"desk-{name}", DOMAIN)) for name in ("one", "other"))
    phone.says(one.account.aor, "I send you to my colleague")
    one.program.awaits("I send you to my colleague")
    phone.dials(one.account.aor)
    one.accepts()
    phone.is_talking()
    one.established()
    phone.transfers_to(other.account.aor)
    other.accepts()
    other.established()
    phone.ended()
    desks_hear(other, one)
    other.command("hangup")
