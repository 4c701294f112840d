"""One platform for the session, with a domain and users; phones end with their test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.browser import Chromium, Chromiums, chromiums
from tests.harness.database import Administrator
from tests.harness.platform import Platform
from tests.harness.sipp import Party
from tests.harness.softphones import Softphones

DOMAIN = "e2e.test"


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    with Platform(folder, database_url=migrated_url) as running:
        # A SIPp that waits for a call would take an OPTIONS for it: contacts are not asked.
        running.add_domain(DOMAIN, "media_policy=always", "nat_keepalive=off")
        yield running


@pytest.fixture(scope="session")
def web_platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    """One with pages, for browsers; a module adds its domains. It trusts 127.0.0.2 as a proxy."""
    folder = tmp_path_factory.mktemp("web")
    settings = {
        "FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "FEDSIP_WEB_TRUSTED_PROXIES": "127.0.0.2/32",
    }
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromiums]:
    """Of one module only: while they are there, no test can be a coroutine (Playwright)."""
    with chromiums(tmp_path_factory.mktemp("chromium"), seed=70) as running:
        yield running


@pytest.fixture(scope="module")
def browser(browsers: Chromiums) -> Chromium:
    return browsers[0]


@pytest.fixture
def administrator(migrated_url: str) -> Iterator[Administrator]:
    administrator = Administrator(migrated_url)
    yield administrator
    administrator.close()


@pytest.fixture
def softphone(
    request: pytest.FixtureRequest, platform: Platform, browsers: Chromiums, tmp_path: Path
) -> Iterator[Softphones]:
    """Opens the pages of new users of the module's DOMAIN: `softphone("alice")`."""
    with Softphones(platform, browsers, request.module.DOMAIN, tmp_path) as phones:
        yield phones


@pytest.fixture
def users(platform: Platform) -> Callable[[str], Party]:
    """Make a user whose name is new in this session: `users("bob")` gives bob7@e2e.test."""
    return lambda name: platform.add_user(f"{name}{os.urandom(3).hex()}", DOMAIN)


@pytest.fixture
def phones() -> Iterator[ExitStack]:
    """`phones.enter_context(Baresip(...))`: ended in reverse order, whatever the test did."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def baresip(phones: ExitStack, platform: Platform, tmp_path: Path) -> Callable[..., Baresip]:
    """A registered baresip for a party, by a transport: `baresip(alice, "tcp")`."""
    count = iter(range(1, 99))

    def start(party: Party, transport: str = "udp", *, extra: str = "", **how: object) -> Baresip:
        seed = next(count)
        phone = phones.enter_context(
            Baresip(
                platform.account(party, transport, extra),
                tmp_path / f"{party.user}-{seed}",
                seed=seed,
                **how,  # type: ignore[arg-type]
            )
        )
        phone.registers()
        return phone

    return start
