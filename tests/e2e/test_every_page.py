"""Every page of the dashboard in Chromium: wide and narrow, light and dark, at work, new, crowded.

Each is held to the same: nothing sticks out sideways, axe finds nothing, the console is silent, and
no value is missing from the text. Pictures lie in tests/artefacts/pages afterwards, for eyes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page

from tests.harness.axe import violations
from tests.harness.browser import Chromium
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in

pytestmark = [pytest.mark.db, pytest.mark.e2e]

PICTURES = Path(__file__).resolve().parents[1] / "artefacts" / "pages"
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ALL_LOOKS = [(size, light) for size in (WIDE, NARROW) for light in ("light", "dark")]
SOME_LOOKS = [(WIDE, "light"), (NARROW, "dark")]
"""For the same pages of other tenants."""
LEAKS = re.compile(r"\bNone\b|\{\{|\{%|\bundefined\b|\bNaN\b|\[object ")
STICKS_OUT = """() => {
  const page = document.scrollingElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  return [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1)
    .map((one) => `sticks out: ${one.tagName}.${one.getAttribute("class")}`).slice(0, 5);
}"""
SETTLED = """async () => {
  await document.fonts.ready;
  const moving = document.getAnimations().filter(
    (one) => one.effect.getComputedTiming().endTime !== Infinity
  );
  await Promise.allSettled(moving.map((one) => one.finished));
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  do { await frame(); await frame(); } while (document.querySelector(".htmx-request"));
}"""
"""After a change of size and light: what is drawn anew, moves or is being fetched, is there."""
# Refusals have pages, too.
STATUS = {"not-there": 404, "invitation-gone": 410, "socialaccount_login_error": 401}
# Of the tenant that is new, and of the one that is crowded.
OTHERS = ("new-", "crowded-")
SECOND_DOOR = "mfa_authenticate"
PASSWORD = "correct horse battery staple"
# Fetched, not looked at.
FILES = ("export", "packets")
# What scripts draw, which is there when the page is ready.
DRAWN = {"api-docs": ".opblock", "softphone": ".phone-dialler", "phone": ".phone-dialler"}
# By Swagger UI, whose widths, headings and landmarks are not ours to mend.
FOREIGN = ("api-docs",)
THEIRS = ("heading-order", "region")


@pytest.fixture(scope="module")
def platform(
    tmp_path_factory: pytest.TempPathFactory, _new_database: Callable[[], str]
) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("pages")
    settings = {"FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost"}
    url = _new_database()
    with Platform(folder, database_url=url, web=True, settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def scenery(platform: Platform) -> dict[str, Any]:
    """Who may see which pages."""
    said = platform.python(
        "import json\nfrom tests.e2e import scenery\nprint(json.dumps(scenery.build()))"
    )
    return dict(json.loads(said.splitlines()[-1]))


class Looker:
    """Looks at one person's pages. `wrong` is what should not be, with the page's name."""

    def __init__(self, page: Page, origin: str) -> None:
        self.wrong: list[str] = []
        self._page = page
        self._origin = origin
        self._name = ""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._note(f"{error.message} {error.stack}"))

    def look(self, name: str, path: str) -> None:
        """In every size and light."""
        self._name = name
        answer = self._page.goto(f"{self._origin}{path}", wait_until="load")
        assert answer is not None
        if name in DRAWN:
            self._page.wait_for_selector(DRAWN[name])
        if answer.status != STATUS.get(name, 200):
            self._note(f"{path} answered {answer.status}")
        for leak in LEAKS.findall(self._page.inner_text("body")):
            self._note(f"“{leak}” in its text")
        self._look_again(SOME_LOOKS if name.startswith(OTHERS) else ALL_LOOKS)

    def look_after(self, name: str, path: str, act: Callable[[Page], None]) -> None:
        """At a page that something was done on: a menu opened, a form refused."""
        self._name = name
        self._page.set_viewport_size(WIDE)
        self._page.goto(f"{self._origin}{path}", wait_until="load")
        act(self._page)
        self._look_again(SOME_LOOKS)

    def _look_again(self, looks: list[Any]) -> None:
        for size, light in looks:
            self._page.set_viewport_size(size)
            self._page.emulate_media(color_scheme=light, reduced_motion="reduce")
            self._page.evaluate(SETTLED)
            # As tall as the page: bars at the bottom of a window cover nothing in pictures then.
            height = self._page.evaluate("document.scrollingElement.scrollHeight")
            self._page.set_viewport_size({**size, "height": max(size["height"], height)})
            picture = PICTURES / f"{self._name}-{size['width']}-{light}.png"
            self._page.screenshot(path=picture, full_page=True)
            broken = violations(self._page)
            if self._name in FOREIGN:
                broken = [each for each in broken if not each.startswith(THEIRS)]
            else:
                broken += self._page.evaluate(STICKS_OUT)
            for each in broken:
                self._note(f"{size['width']} {light}: {each}")

    def _hear(self, said: ConsoleMessage) -> None:
        """That an address answers 404 is what some pages are for."""
        if said.type in ("error", "warning") and "status of 4" not in said.text:
            self._note(f"console: {said.text}")

    def _note(self, text: str) -> None:
        self.wrong.append(f"{self._name}: {text}")


def test_every_page_in_every_size_and_light(
    platform: Platform, browser: Chromium, scenery: dict[str, Any]
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for person, pages in scenery["pages"].items():
        context = browser.context()
        if person:
            sign_in(platform, context, person)
        looker = Looker(context.new_page(), origin(platform))
        for name, path in pages.items():
            if not name.endswith(FILES):
                looker.look(name, path)
        wrong += looker.wrong
        context.close()
    wrong += at_the_second_door(platform, browser)
    assert not wrong, "\n".join(wrong)


def opens(menu: str) -> Callable[[Page], None]:
    return lambda page: page.locator(f"{menu} > summary").first.click()


def sends(**typed: str) -> Callable[[Page], None]:
    """Types what will be refused, and waits for the page that says why."""

    def act(page: Page) -> None:
        for name, text in typed.items():
            page.fill(f'main [name="{name}"]', text)
        with page.expect_navigation():
            page.locator(f'main form:has([name="{next(iter(typed))}"]) .btn-primary').click()
        page.wait_for_selector(".invalid-feedback, .problem")

    return act


def searches(page: Page) -> None:
    page.fill(".search input", "al")
    page.wait_for_selector("#found a")


def tries(page: Page) -> None:
    page.locator('#trial [name="caller"]').fill("alice")
    page.locator('#trial [name="dialled"]').fill("1000")
    page.locator("#trial button").click()
    page.wait_for_selector("#tried pre")


def saves(page: Page) -> None:
    """A rule that sends calls on record elsewhere: it is asked first."""
    page.fill('[name="match_regex"]', "^bob$")
    page.fill('[name="tran_user"]', "carol")
    page.locator("#rule-form .btn-primary").click()
    page.wait_for_selector(".asks")


def test_open_menus_and_refused_forms(
    platform: Platform, browser: Chromium, scenery: dict[str, Any]
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    owner = "owner@example.com"
    pages = scenery["pages"][owner]
    done: dict[str, tuple[str, Callable[[Page], None]]] = {
        "menu-of-person": ("overview", opens(".menu.person")),
        "menu-of-tenants": ("overview", opens(".side .menu")),
        "api-call-open": ("users", opens(".api-call")),
        "found-while-typing": ("overview", searches),
        "refused-user": ("user-new", sends(username="a b", display_name="x")),
        "refused-rule": ("rule-new", sends(match_regex="(", tran_user="\\9")),
        "tried-rule": ("rule", tries),
        "asked-rule": ("rule", saves),
        "refused-domain": ("domain-new", sends(name="no domain")),
        "refused-webhook": ("webhook-new", sends(url="http://127.0.0.1/")),
        "refused-alias": ("alias-new", sends(name="alice", target="nobody")),
    }
    context = browser.context()
    sign_in(platform, context, owner)
    looker = Looker(context.new_page(), origin(platform))
    for name, (page, act) in done.items():
        looker.look_after(name, pages[page], act)
    context.close()
    assert not looker.wrong, "\n".join(looker.wrong)


def at_the_second_door(platform: Platform, browser: Chromium) -> list[str]:
    """The page that asks for the second factor is there for who has typed the password alone."""
    context = browser.context()
    page = context.new_page()
    page.goto(f"{origin(platform)}/sign-in")
    page.get_by_label("E-mail address").fill("owner@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/authenticate/")
    looker = Looker(page, origin(platform))
    looker.look(SECOND_DOOR, "/account/mfa/authenticate/")
    context.close()
    return looker.wrong


def test_every_address_is_a_page_that_was_looked_at_or_none(
    platform: Platform, browser: Chromium, scenery: dict[str, Any]
) -> None:
    seen = {SECOND_DOOR} | {name for pages in scenery["pages"].values() for name in pages}
    aliases = {"account_login": "sign-in", "account_logout": "sign-out"}
    missing = {aliases.get(name, name) for name in scenery["names"]} - seen
    assert missing <= scenery["no_pages"].keys(), "no test looks at these pages"
    context = browser.context()
    sign_in(platform, context, "owner@example.com")
    for name in missing:
        path = scenery["no_pages"][name]
        answer = context.request.get(f"{origin(platform)}{path}", max_redirects=0)
        is_page = answer.ok and answer.headers["content-type"].startswith("text/html")
        assert not is_page, f"{name} is a page: {path}"
    context.close()


def origin(platform: Platform) -> str:
    return f"https://127.0.0.1:{platform.web_port}"
