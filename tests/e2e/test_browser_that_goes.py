"""A browser that is killed or crashes in mid-call: the desk phone is told, and soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip
from tests.harness.browser import chromiums
from tests.harness.jssip import JsSip
from tests.harness.platform import Platform
from tests.harness.softphones import Softphones, hear_each_other

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "goes.test"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    settings = {
        "FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "FEDSIP_SIP_BROWSER_AWAY_SECONDS": "3",
    }
    folder = tmp_path_factory.mktemp("goes")
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="goes")
        yield running


@pytest.mark.parametrize(
    ("library", "way"), [("SIP.js", "killed"), ("SIP.js", "crashed"), ("JsSIP", "killed")]
)
def test_the_call_ends_at_the_desk_phone(
    platform: Platform, baresip: Callable[..., Baresip], tmp_path: Path, library: str, way: str
) -> None:
    name = f"{way}-{library[:2].lower()}"
    desk = baresip(platform.add_user(f"desk-{name}", DOMAIN))
    with (
        chromiums(tmp_path / "chromium", seed=71) as browsers,
        Softphones(platform, browsers, DOMAIN, tmp_path) as softphone,
    ):
        page = softphone(name, bypass_csp=True)
        phone = JsSip(page, tmp_path) if library == "JsSIP" else page
        phone.dials(desk.account.aor)
        desk.accepts()
        hear_each_other(phone, desk)
        if way == "killed":
            browsers[0].kill()
        else:
            page.crashes()
        desk.closed()
        platform.program("proxy").awaits(r"browser has not come back")
