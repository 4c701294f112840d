"""All browsers on one UDP port of the relay (FEDSIP_MEDIA_BROWSER_PORT), desk phones on others; and
their WebSocket at an address of the operator's own (FEDSIP_WEB_SIP_PATH)."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection

import pytest

from tests.harness.baresip import Baresip
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.softphones import Softphones, pages_hear
from tests.harness.sound import HEARD
from tests.harness.waiting import wait_until
from tests.harness.websocket_phone import TRUSTING

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "one-port.test"
PORT = free_port()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    settings = {
        "FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "FEDSIP_MEDIA_BROWSER_PORT": str(PORT),
        "FEDSIP_WEB_SIP_PATH": "/phones",
    }
    folder = tmp_path_factory.mktemp("one-port")
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="one-port")
        yield running


def test_two_pages_and_a_desk_phone(
    softphone: Softphones,
    platform: Platform,
    baresip: Callable[..., Baresip],
) -> None:
    """Two calls at once on it, each told from the other by its ufrag and then by its address."""
    alice, bob, carol = softphone("alice"), softphone("bob"), softphone("carol")
    desk = baresip(platform.add_user("desk", DOMAIN))
    alice.dials("bob")
    bob.answers()
    carol.dials("desk")
    desk.accepts()
    for phone in (alice, bob, carol):
        phone.is_in("talking")
        assert phone.far_ports() == [PORT]
    # The desk phone ends its call when it has played all that it has: it is the first to be heard.
    wait_until(lambda: carol.hears(desk.played) > HEARD, "carol hears the desk phone")
    wait_until(lambda: desk.hears(carol.played) > HEARD, "... and it hears carol")
    carol.clicks("end")
    desk.closed()
    offered = desk.program.text().split("INVITE sip:")[1]
    assert int(offered.split("m=audio ")[1].split()[0]) != PORT
    pages_hear(alice, bob)
    alice.clicks("end")
    bob.has_no_call()


@pytest.mark.parametrize(("path", "status"), [("/phones", 101), ("/sip", 403)])
def test_their_websocket_is_where_the_setting_says(
    platform: Platform, path: str, status: int
) -> None:
    """As the page is told in its pass, too: the test before this one went by it."""
    asking = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
        "Sec-WebSocket-Protocol": "sip",
    }
    connection = HTTPSConnection("127.0.0.1", platform.web_port, context=TRUSTING)
    try:
        connection.request("GET", path, headers=asking)
        assert connection.getresponse().status == status
    finally:
        connection.close()
