"""The widget in a page of another site: docs/widget.html as it stands, with passes from REST."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.harness.axe import violations
from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone, Chromium
from tests.harness.cable import Cable
from tests.harness.catalogue import catalogue, phone_in_brackets
from tests.harness.platform import ROOT, Platform
from tests.harness.sipp import Party
from tests.harness.site import Site
from tests.harness.softphones import hear_each_other
from tests.harness.waiting import wait_until
from tests.harness.websocket_phone import TRUSTING

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "widget.test"
_MAKE_TOKEN = """
from fedsip_platform.api import tokens
from fedsip_platform.tenants.models import Membership, Person, Tenant
person = Person.objects.create_user("server@shop.example")
Membership.objects.create(person=person, tenant=Tenant.objects.get(slug="widget"), role="admin")
print(tokens.create(person, "shop", "users:write")[1])
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    """Its widgets speak a language more than English."""
    folder = tmp_path_factory.mktemp("widget")
    settings = {
        "FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DJANGO_SETTINGS_MODULE": "tests.e2e.bracket_settings",
    }
    catalogue(folder / "locale", "ar", phone_in_brackets())
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.add_domain(DOMAIN, "media_policy=always", tenant="widget")
        yield running


@pytest.fixture(scope="module")
def api_token(platform: Platform) -> str:
    return platform.python(_MAKE_TOKEN).strip()


Shop = Callable[..., Site]


@pytest.fixture
def shop(platform: Platform, api_token: str, phones: ExitStack) -> Shop:
    """Opens a site whose page is docs/widget.html for a visitor who telephones as `party`."""

    def open_one(
        party: Party, calls: str, *, through: int, seconds: int = 3600, tag: str = "<script src"
    ) -> Site:
        us = f"127.0.0.1:{through}"

        def token() -> str:
            request = urllib.request.Request(
                f"https://{us}/api/v1/users/{party.user}@{party.domain}/pass",
                data=json.dumps({"seconds": seconds}).encode(),
                headers={
                    "Authorization": f"Bearer {api_token}",
                    "Content-Type": "application/json",
                },
            )
            with urllib.request.urlopen(request, context=TRUSTING) as answer:
                return str(json.loads(answer.read())["token"])

        def page() -> tuple[str, str]:
            text = Path(ROOT, "docs", "widget.html").read_text()
            for old, new in (
                ("https://sip.example.com:8443", f"https://{us}"),
                ('"TOKEN"', f'"{token()}"'),
                ("support@example.com", calls),
                ("<script src", tag),
            ):
                assert old in text
                text = text.replace(old, new)
            return "text/html; charset=utf-8", text

        answers = {
            "/": page,
            "/phone-token": lambda: ("application/json", json.dumps({"token": token()})),
        }
        return phones.enter_context(Site("shop", answers))

    return open_one


@pytest.fixture
def visitor(browser: Chromium, tmp_path: Path, phones: ExitStack) -> Callable[..., BrowserPhone]:
    """Somebody who opens the site's page."""

    def visit(site: Site, cable: Cable) -> BrowserPhone:
        context = browser.context()
        phones.callback(context.close)
        page = context.new_page()
        page.goto(site.origin)
        page.wait_for_function("document.querySelector('#phone').fedsipPhone")
        page.evaluate("window.fedsipPhone = document.querySelector('#phone').fedsipPhone")
        return BrowserPhone(page, tmp_path, cable, browser.played)

    return visit


def test_a_visitor_calls_the_desk(
    platform: Platform,
    shop: Shop,
    visitor: Callable[..., BrowserPhone],
    baresip: Callable[..., Baresip],
    phones: ExitStack,
) -> None:
    desk = baresip(platform.add_user("support", DOMAIN))
    cable = phones.enter_context(Cable(platform.web_port))
    site = shop(platform.add_user("visitor", DOMAIN), f"support@{DOMAIN}", through=cable.port)
    platform.cli("origin", "add", site.origin, "--tenant", "widget")
    widget = visitor(site, cable)
    widget.is_ready()
    assert widget.page.input_value(".phone-typed") == f"support@{DOMAIN}"
    assert violations(widget.page, "#phone") == []
    widget.page.click(".phone-dialler .phone-call")
    desk.accepts()
    widget.is_in("talking")
    hear_each_other(widget, desk)
    cable.cut()
    widget.is_cut()
    cable.mend()
    widget.is_ready()
    widget.clicks("end")
    desk.closed()


def test_a_pass_is_renewed_by_the_page_s_own_function(
    platform: Platform,
    shop: Shop,
    visitor: Callable[..., BrowserPhone],
    phones: ExitStack,
) -> None:
    cable = phones.enter_context(Cable(platform.web_port))
    party = platform.add_user("renewed", DOMAIN)
    site = shop(party, f"support@{DOMAIN}", through=cable.port, seconds=60)
    platform.cli("origin", "add", site.origin, "--tenant", "widget")
    widget = visitor(site, cable)
    widget.is_ready()
    wait_until(lambda: "/phone-token" in site.asked, "the page has asked for a new token")
    widget.is_ready()


def test_a_site_that_is_not_listed(
    platform: Platform, shop: Shop, visitor: Callable[..., BrowserPhone], phones: ExitStack
) -> None:
    cable = phones.enter_context(Cable(platform.web_port))
    site = shop(platform.add_user("unlisted", DOMAIN), f"support@{DOMAIN}", through=cable.port)
    widget = visitor(site, cable)
    widget.is_cut()
    widget.page.wait_for_selector("text=Connection lost")


@pytest.mark.parametrize(
    ("tag", "ready", "direction"),
    [
        ('<script lang="ar" src', "⟦Ready⟧", "rtl"),
        ('<script lang="xx" src', "Ready", "ltr"),
        ("<script src", "Ready", "ltr"),  # the page's own language
    ],
)
def test_it_speaks_the_language_of_its_tag(
    platform: Platform,
    shop: Shop,
    visitor: Callable[..., BrowserPhone],
    phones: ExitStack,
    tag: str,
    ready: str,
    direction: str,
) -> None:
    cable = phones.enter_context(Cable(platform.web_port))
    party = platform.add_user(f"speaks{os.urandom(3).hex()}", DOMAIN)
    site = shop(party, f"support@{DOMAIN}", through=cable.port, tag=tag)
    platform.cli("origin", "add", site.origin, "--tenant", "widget")
    widget = visitor(site, cable)
    widget.is_ready()
    said = widget.page.locator(".phone-status [role=status]")
    said.get_by_text(ready, exact=True).wait_for()
    assert widget.page.locator(".phone").get_attribute("dir") == direction
