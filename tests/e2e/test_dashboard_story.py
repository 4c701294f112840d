"""A day in the dashboard, in a real browser: from a new tenant to the ladder of its first call.

Written as one story, since each chapter needs the one before. Afterwards every page is looked at in
both sizes and colours; the photographs lie in tests/artefacts/dashboard, which git ignores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.harness import axe
from tests.harness.baresip import Baresip
from tests.harness.browser import Chromium, chromium
from tests.harness.dashboard import SIZES, THEMES, Visitor, totp
from tests.harness.platform import Platform
from tests.harness.sipp import Party
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

PASSWORD = "correct horse battery staple"
ARTEFACTS = Path(__file__).resolve().parents[1] / "artefacts" / "dashboard"
DOMAIN = "story.test"
USERS = 200
HOME = "/t/story"
OWNER = "owner: also the tenant itself and its people"
MAKE_PEOPLE = f"""
from fedsip_platform.directory import services
from fedsip_platform.people import services as people
operator = people.make_person("operator@fedsip.test", "{PASSWORD}", is_operator=True)
other = services.create_tenant("Other", "other")
people.join(other, people.make_person("stranger@other.test", "{PASSWORD}"), "owner")
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    settings = {"FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost"}
    folder = tmp_path_factory.mktemp("story")
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.python(MAKE_PEOPLE)
        yield running


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with chromium(tmp_path_factory.mktemp("chromium"), seed=3) as running:
        yield running


@pytest.fixture(scope="module")
def story(platform: Platform, browser: Chromium) -> Iterator[Story]:
    with Story(platform, browser) as story:
        yield story


class Story:
    """The people of the story, each with a browser of their own."""

    def __init__(self, platform: Platform, browser: Chromium) -> None:
        self.platform = platform
        self._browser = browser
        self._ends = ExitStack()
        self.owner: Visitor
        self.pages: dict[str, str] = {}
        """By name: where each page is, found on the way."""

    def __enter__(self) -> Story:
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.close()

    def somebody(self) -> Visitor:
        context = self._browser.context(viewport={"width": 1440, "height": 900})
        self._ends.callback(context.close)
        return Visitor(context, self.platform.web_port)

    def phone(self, name: str, folder: Path, seed: int) -> Baresip:
        account = self.platform.account(Party(name, DOMAIN, password_of(name)))
        return self._ends.enter_context(Baresip(account, folder / name, seed=seed))

    def hangs_up(self) -> None:
        """Every phone and page, from the last to the first."""
        self._ends.close()


def test_an_operator_makes_a_tenant_and_invites_its_owner(story: Story) -> None:
    operator = story.somebody()
    operator.signs_in("operator@fedsip.test", PASSWORD)
    operator.opens("/platform/")
    operator.goes("New tenant")
    operator.fills({"Name": "Story Ltd.", "Short name": "story"})
    operator.goes("Make the tenant")
    operator.reads("Nothing is set up yet.")
    operator.opens(f"{HOME}/settings/")
    operator.fills(
        {
            "E-mail address": "owner@story.test",
            "May": OWNER,
        }
    )
    operator.presses("Send the letter")
    link = operator.shown_once()

    owner = story.owner = story.somebody()
    owner.opens(link)
    owner.fills({"Your name": "Olive Owner", "Password": PASSWORD})
    owner.goes("Join")
    owner.reads("Nothing is set up yet.")
    assert owner.opens("/platform/") == 404


def test_the_owner_signs_in_with_a_second_factor(story: Story) -> None:
    owner = story.owner
    owner.opens("/account/mfa/totp/activate/")
    owner.confirms(PASSWORD)
    secret = owner.page.locator("#authenticator_secret").input_value()
    owner.page.locator("[name=code]").fill(totp(secret))
    owner.goes("Activate")
    spare = owner.page.locator("#recovery_codes").input_value().split()[0]
    owner.opens(f"{HOME}/")
    owner.signs_out()
    owner.signs_in("owner@story.test", PASSWORD)
    owner.page.locator("[name=code]").fill("000000")
    owner.goes("Sign In")
    assert owner.opens(f"{HOME}/") == 200
    assert "/account/mfa/authenticate/" in owner.page.url, "a wrong code opens nothing"
    owner.page.locator("[name=code]").fill(spare)
    owner.goes("Sign In")
    owner.reads("Nothing is set up yet.")


def test_a_domain_and_two_hundred_users(story: Story) -> None:
    owner = story.owner
    owner.goes("Add a domain")
    owner.fills({"Domain": DOMAIN})
    owner.goes("Add the domain")
    owner.reads("DNS records to publish")
    story.pages["domain"] = owner.page.url
    names = ["alice", "bob", *(f"user{number:03}" for number in range(2, USERS))]
    lines = [f"{name},{password_of(name)},{name.title()} Example" for name in names]
    owner.opens(f"{HOME}/users/import")
    file = "\n".join(["username,password,display_name", *lines, "bob,short,Twice"])
    give(owner, file)
    owner.reads("Nothing was imported.")
    give(owner, "\n".join(["username,password,display_name", *lines]))
    owner.presses(f"Import {USERS} users")
    owner.reads(f"{USERS} users are in {DOMAIN}")
    owner.opens(f"{HOME}/users/?q=alice")
    owner.goes(f"alice@{DOMAIN}")
    owner.reads("No phone is signed in")
    story.pages["user"] = owner.page.url


def password_of(name: str) -> str:
    return f"{name}-has-a-password"


def give(owner: Visitor, text: str) -> None:
    file = {"name": "users.csv", "mimeType": "text/csv", "buffer": text.encode()}
    owner.page.locator("[name=file]").set_input_files(file)  # type: ignore[arg-type]
    owner.presses("Look at it first")


def test_a_rule_is_written_and_tried(story: Story) -> None:
    owner = story.owner
    owner.opens(f"{HOME}/routing/")
    owner.goes("Write a rule")
    owner.fills({"Dialled number or name": "^1000$", "New user": "bob"})
    owner.goes("Put it in force")
    owner.fills({"Caller": "alice", "Dials": "1000"})
    owner.presses("Try it")
    owner.reads(f"sip:bob@{DOMAIN}")
    owner.goes("Edit")
    story.pages["rule"] = owner.page.url


def test_a_phone_is_seen_to_register_and_to_call(story: Story, tmp_path: Path) -> None:
    owner = story.owner
    owner.opens(story.pages["user"])
    owner.is_live()
    owner.page.evaluate("window.isTheSamePage = true")
    alice, bob = story.phone("alice", tmp_path, 1), story.phone("bob", tmp_path, 2)
    for phone in (alice, bob):
        phone.registers()
    owner.page.locator("#devices").get_by_text("baresip").wait_for()
    assert owner.page.evaluate("window.isTheSamePage"), "it appeared by itself"

    owner.opens(f"{HOME}/calls/")
    owner.is_live()
    alice.dials(f"sip:1000@{DOMAIN}")
    owner.page.locator("#live-calls").get_by_text("ringing").wait_for()
    bob.accepts()
    alice.established()
    owner.page.locator("#live-calls").get_by_text("talking").wait_for()
    owner.page.locator("#live-calls").get_by_role("button", name="Hang up").click()
    alice.closed()
    bob.closed()
    owner.page.locator("#history").get_by_text("answered").wait_for()


def test_the_ladder_of_the_call_is_read(story: Story) -> None:
    owner = story.owner
    owner.opens(f"{HOME}/calls/")
    with owner.page.expect_navigation():
        owner.page.locator("#history tbody a").first.click()
    story.pages["call"] = owner.page.url
    ladder = owner.page.locator("svg.ladder")

    def is_complete() -> bool:
        owner.page.reload()
        return ladder.get_by_text("BYE").count() > 0

    wait_until(is_complete, "the last messages are kept")
    for message in ("INVITE", "180 Ringing", "200 OK", "ACK", "BYE"):
        ladder.get_by_text(message).first.wait_for()
    ladder.locator("a.arrow").first.click()
    message = owner.page.locator(".message-list details[open] pre")
    expect(message).to_contain_text(f"INVITE sip:1000@{DOMAIN}")
    expect(message).not_to_contain_text('response="')
    assert owner.complaints == []


def test_a_viewer_looks_and_changes_nothing(story: Story) -> None:
    owner, viewer = story.owner, story.somebody()
    owner.opens(f"{HOME}/settings/")
    owner.fills({"E-mail address": "viewer@story.test", "May": "viewer: only looks"})
    owner.presses("Send the letter")
    viewer.opens(owner.shown_once())
    viewer.fills({"Your name": "Vic", "Password": PASSWORD})
    viewer.goes("Join")
    for name, path in every_page(story).items():
        viewer.opens(path)
        buttons = viewer.page.locator("main form[method=post] button:enabled")
        assert buttons.count() == 0, f"{name}: {buttons.all_inner_texts()}"
    statuses = viewer.page.evaluate(_POST, [f"{HOME}/domains/new", story.pages["rule"]])
    assert statuses == [403, 403]


_POST = """async (paths) => {
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const body = new URLSearchParams({ csrfmiddlewaretoken: token });
  const send = (path) => fetch(path, { method: "POST", body });
  return Promise.all(paths.map(async (path) => (await send(path)).status));
}"""


def test_a_stranger_sees_nothing(story: Story) -> None:
    nobody, stranger = story.somebody(), story.somebody()
    stranger.signs_in("stranger@other.test", PASSWORD)
    stranger.reads("Nothing is set up yet.")
    for path in every_page(story).values():
        assert stranger.opens(path) == 404, path
        nobody.opens(path)
        assert "/sign-in" in nobody.page.url, path


def every_page(story: Story) -> dict[str, str]:
    """By name: the pages of the tenant, those with a thing of the story's and the others."""
    plain = (
        *("", "calls/", "users/", "users/new", "users/import", "domains/", "domains/new"),
        *("routing/", "routing/aliases/", "routing/groups/", "routing/trunks/", "routing/peers/"),
        *("routing/dialling/", "softphone/", "security/", "developers/", "developers/webhooks/"),
        *("settings/", "settings/limits", "settings/audit", "search?q=al"),
    )
    names = {path: path.strip("/").replace("/", "-").partition("?")[0] for path in plain}
    return {names[path] or "overview": f"{HOME}/{path}" for path in plain} | story.pages


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_page_fits_and_can_be_used(story: Story, size: tuple[int, int], theme: str) -> None:
    owner = story.owner
    owner.takes_theme(theme)
    owner.page.set_viewport_size({"width": size[0], "height": size[1]})
    problems: dict[str, object] = {}
    for name, path in every_page(story).items():
        assert owner.opens(path) == 200, path
        owner.photographs(ARTEFACTS, f"{name}-{size[0]}-{theme}")
        if owner.widest() > size[0]:
            problems[f"{name} is too wide"] = owner.widest()
        if found := axe.violations(owner.page):
            problems[name] = found
    assert not problems, json.dumps(problems, indent=1)
    assert owner.complaints == []
