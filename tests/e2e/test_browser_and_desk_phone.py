"""A softphone page calls a desk phone that speaks plain RTP, and is called, through our relay."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness import sound
from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone, Chromium, chromium
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "desks.test"
HEARD = 0.6


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    settings = {"FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("desks")
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="desks")
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium"), seed=70) as running:
        yield running


@pytest.fixture
def softphone(platform: Platform, browser: Chromium, tmp_path: Path) -> Iterator[Softphones]:
    with Softphones(platform, browser, DOMAIN, tmp_path) as phones:
        yield phones


@pytest.fixture
def desk(platform: Platform, baresip: Callable[..., Baresip]) -> Callable[[], Baresip]:
    """Starts a phone of a new user of the domain."""

    def start() -> Baresip:
        return baresip(platform.add_user(f"desk{os.urandom(3).hex()}", DOMAIN))

    return start


def hear_each_other(page: BrowserPhone, desk: Baresip, browser: Chromium) -> None:
    wait_until(
        lambda: sound.likeness(browser.played, desk.recording()) > HEARD,
        f"the desk phone hears the page\n{desk.tail()}",
    )
    wait_until(lambda: page.hears(desk.played) > HEARD, "the page hears the desk phone")
    assert page.figures()["dtls"] == "connected"


def test_the_page_calls(
    softphone: Softphones, desk: Callable[[], Baresip], browser: Chromium
) -> None:
    page, phone = softphone("caller"), desk()
    page.dials(phone.account.user)
    phone.accepts()
    page.is_in("talking")
    hear_each_other(page, phone, browser)
    page.clicks("end")
    phone.closed()


def test_the_desk_phone_calls(
    softphone: Softphones, desk: Callable[[], Baresip], browser: Chromium
) -> None:
    name = "callee"
    page, phone = softphone(name), desk()
    phone.dials(f"sip:{name}@{DOMAIN}")
    page.is_in("ringing")
    page.answers()
    phone.established()
    hear_each_other(page, phone, browser)
    phone.command("hangup")
    page.has_no_call()
