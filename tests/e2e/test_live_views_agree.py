"""One call that goes on, looked at from everywhere at once: overview, list, its own page, REST and
the command say the same of it, and open pages come to say it by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.harness.baresip import Baresip
from tests.harness.browser import Chromium
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN, TENANT, PERSON = "agree.test", "agree", "eve@agree.example"
_MAKE_PERSON = f"""
from fedsip_platform.tenants.models import Membership, Tenant
from tests.platform.world import make_person
tenant = Tenant.objects.get(slug="{TENANT}")
Membership.objects.create(person=make_person("{PERSON}"), tenant=tenant, role="admin")
"""


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    policies = ("media_policy=always", "nat_keepalive=off")
    web_platform.add_domain(DOMAIN, *policies, tenant=TENANT)
    web_platform.python(_MAKE_PERSON)
    return web_platform


@pytest.fixture
def context(platform: Platform, browser: Chromium) -> Iterator[BrowserContext]:
    made = browser.context(reduced_motion="reduce")
    sign_in(platform, made, PERSON)
    yield made
    made.close()


class Views:
    """Every place that tells of calls now. Pages are opened once and never loaded again."""

    def __init__(self, platform: Platform, context: BrowserContext) -> None:
        self._platform = platform
        self._context = context
        self._origin = f"https://127.0.0.1:{platform.web_port}"
        self.overview = self.opens("")
        self.list = self.opens("calls/")
        self.call: Page | None = None

    def opens(self, path: str) -> Page:
        page = self._context.new_page()
        page.goto(f"{self._origin}/t/{TENANT}/{path}")
        expect(page.locator(".live.on")).to_have_count(1)
        page.evaluate("() => { window.marked = true; }")
        return page

    def agree(self, state: str, said: str) -> None:
        """`state` is ringing or talking, of exactly one call, whose page says `said`."""
        expect(self._counter()).to_have_text("1")
        rows = self.list.locator("#live-calls tr")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text(state)
        expect(self.list.locator("#calls-now")).to_have_text("1 call now")
        if self.call is None:
            [key] = [each["id"] for each in self.rest()]
            self.call = self.opens(f"calls/{key}")
            assert rows.locator("a").first.get_attribute("href") == f"/t/{TENANT}/calls/{key}"
        expect(self.call.locator(".verdict")).to_contain_text(said)
        is_answered = state == "talking"
        for told in (self.rest(), self.command()):
            [call] = told
            assert (call["answered_at"] is not None) is is_answered
            assert call["id"] == self.call.url.rpartition("/")[2]
        assert self.used() == 1

    def all_say_that_it_is_over(self) -> None:
        assert self.call is not None
        expect(self._counter()).to_have_text("0")
        expect(self.list.locator("#live-calls")).to_have_count(0)
        expect(self.list.locator("#calls-now")).to_have_text("")
        expect(self.list.locator("#history tr")).to_have_count(1)
        expect(self.call.locator(".verdict")).to_contain_text("hung up")
        assert self.rest() == self.command() == []
        assert self.used() == 0

    def have_stayed(self) -> bool:
        """Whether no page was loaded anew."""
        pages = (self.overview, self.list, self.call)
        return all(page.evaluate("() => window.marked === true") for page in pages if page)

    def rest(self) -> list[dict[str, Any]]:
        return list(self._asks("live-calls")["results"])

    def command(self) -> list[dict[str, Any]]:
        said = self._platform.cli("calls", "live", "--domain", DOMAIN, "--json")
        return list(json.loads(said))

    def used(self) -> int:
        limits = self._asks(f"tenants/{TENANT}/usage")
        [calls] = [each["used"] for each in limits if each["name"] == "calls"]
        return int(calls)

    def _asks(self, path: str) -> Any:
        answer = self._context.request.get(f"{self._origin}/api/v1/{path}")
        assert answer.ok, answer.text()
        return answer.json()

    def _counter(self) -> Any:
        return self.overview.locator(".figures li").filter(has_text="calls now").locator("b")


def test_all_views_of_one_call_agree(
    platform: Platform, context: BrowserContext, baresip: Callable[..., Baresip]
) -> None:
    alice, bob = (baresip(platform.add_user(name, DOMAIN)) for name in ("alice", "bob"))
    views = Views(platform, context)
    alice.dials(bob.account.aor)
    bob.awaits("CALL_INCOMING")
    wait_until(lambda: bool(views.rest() and views.rest()[0]["ringing_at"]), "it rings")
    views.agree("ringing", "alice is calling bob, which rings.")
    bob.command("accept")
    alice.established()
    wait_until(lambda: views.rest()[0]["answered_at"] is not None, "it is answered")
    views.agree("talking", "alice has been talking to bob for")
    bob.command("hangup")
    alice.closed()
    wait_until(lambda: not views.rest(), "it is over")
    views.all_say_that_it_is_over()
    assert views.have_stayed()
