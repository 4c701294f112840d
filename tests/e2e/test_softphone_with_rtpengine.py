"""The softphone page, unchanged, with Debian's rtpengine where our relay would be."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip, desks_hear
from tests.harness.capture import captured
from tests.harness.platform import Platform
from tests.harness.rtpengine import rtpengine
from tests.harness.softphones import Softphones, hear_each_other, hears_keys_of, pages_hear, talk
from tests.harness.wires import WEBRTC, check_wires, legs_of

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, ENCRYPTED = "rtpengine-page.test", "rtpengine-encrypted.test"
BY_DTLS = "rtpengine-dtls.test"
PORTS = (53000, 54999)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("rtpengine-page")
    settings = {"FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost"}
    platform = Platform(
        folder, database_url=migrated_url, own_relay=False, web=True, settings=settings
    )
    with rtpengine(folder / "relay", ng_port=platform.ng_port, ports=PORTS) as relay, platform:
        platform.add_domain(DOMAIN, "media_policy=always", tenant="rtpengine-page")
        platform.add_domain(
            ENCRYPTED, "media_policy=always", "srtp=required", tenant="rtpengine-page"
        )
        platform.add_domain(BY_DTLS, "media_policy=always", "srtp=dtls", tenant="rtpengine-page")
        yield platform
        assert relay.process.poll() is None


def test_two_pages(softphone: Softphones, tmp_path: Path) -> None:
    alice, bob, file = softphone("alice1"), softphone("bob1"), tmp_path / "call.pcap"
    with captured(file, PORTS):
        talk(alice, bob, "bob1")
        pages_hear(alice, bob)
        legs = {port: WEBRTC for phone in (alice, bob) for port in phone.far_ports()}
        alice.clicks("end")
        bob.has_no_call()
    check_wires(file, legs)


@pytest.mark.parametrize(
    ("transport", "mediaenc", "domain"),
    [("udp", "", DOMAIN), ("tls", "srtp-mand", ENCRYPTED), ("tcp", "dtls_srtp", BY_DTLS)],
)
@pytest.mark.parametrize("calls", ["page", "desk"])
def test_a_page_and_a_desk_phone(
    softphone: Softphones,
    platform: Platform,
    baresip: Callable[..., Baresip],
    transport: str,
    mediaenc: str,
    domain: str,
    calls: str,
    tmp_path: Path,
) -> None:
    name, file = f"{calls}{transport}", tmp_path / "call.pcap"
    page = softphone(name)
    party = platform.add_user(f"desk{os.urandom(3).hex()}", domain)
    desk = baresip(party, transport, extra=f";mediaenc={mediaenc}" if mediaenc else "")
    with captured(file, PORTS):
        if calls == "page":
            page.dials(desk.account.aor)
            desk.accepts()
            page.is_in("talking")
        else:
            desk.dials(f"sip:{name}@{DOMAIN}")
            page.answers()
            desk.established()
        hear_each_other(page, desk)
        legs = legs_of(platform.ng_port, desk.call_id())
        page.clicks("end")
        desk.closed()
    check_wires(file, legs, signalling=desk.program.text())


def test_hold_tones_a_cut_socket_and_a_reload(
    softphone: Softphones,
    platform: Platform,
    baresip: Callable[..., Baresip],
) -> None:
    """All in one call with a desk phone that encrypts by SDES."""
    page = softphone("goes-on")
    desk = baresip(platform.add_user("stays", ENCRYPTED), "tls", extra=";mediaenc=srtp-mand")
    page.dials(desk.account.aor)
    desk.accepts()
    page.is_in("talking")
    hear_each_other(page, desk)

    page.holds()
    desk.program.awaits(r"^a=(sendonly|inactive)")
    page.resumes()
    hear_each_other(page, desk)

    page.page.get_by_role("button", name="7", exact=True).click()
    desk.program.awaits(r"received event: '7'")
    hears_keys_of(page, desk, "5", "#")

    page.changes_its_socket()
    hear_each_other(page, desk)

    page.page.reload()
    page.is_in("talking")
    hear_each_other(page, desk)
    desk.command("hangup")
    page.has_no_call()


def test_blind_transfer_of_a_desk_phone_and_messages(
    softphone: Softphones, platform: Platform, baresip: Callable[..., Baresip]
) -> None:
    """To a desk phone that encrypts, and one that does not, who then hear each other."""
    page, colleague = softphone("passes"), softphone("colleague")
    one = baresip(platform.add_user("passed", DOMAIN))
    other = baresip(platform.add_user("gets", ENCRYPTED), "tls", extra=";mediaenc=srtp-mand")
    page.dials(one.account.aor)
    one.accepts()
    page.is_in("talking")
    hear_each_other(page, one)
    page.says("colleague", "I send her to you")
    colleague.page.get_by_role("tab", name="Messages").click()
    colleague.page.wait_for_selector(".phone-theirs >> text=I send her to you")
    page.says(one.account.aor, "Wait a moment")
    one.program.awaits("Wait a moment")
    page.transfers_to(other.account.aor)
    other.accepts()
    other.established()
    page.has_no_call()
    desks_hear(other, one)
    other.command("hangup")
