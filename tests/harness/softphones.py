"""Softphone pages on a platform: a user, a person whose phone that is, and the page open."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tests.harness.baresip import Baresip
from tests.harness.browser import BrowserPhone
from tests.harness.cable import Cable
from tests.harness.closing import Closing
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in
from tests.harness.sound import HEARD
from tests.harness.waiting import wait_until

_MAKE_PERSON = """
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway.services import give_phone
from fedsip_platform.tenants.models import Membership, Person
user = Subscriber.objects.get(aor="{aor}")
person = Person.objects.create_user("{aor}")
Membership.objects.create(person=person, tenant=user.domain.tenant, role="viewer")
give_phone(person, user)
"""


class Browser(Protocol):
    """Chromium or Firefox: what contexts and pages have in common is Playwright's, by name."""

    @property
    def played(self) -> Path: ...

    def context(self, **options: Any) -> Any: ...

    def leave(self, context: Any) -> None: ...


class Browsers(Protocol):
    """By number, each with a microphone of its own."""

    def __getitem__(self, number: int, /) -> Browser: ...


class InBrowser(Protocol):
    """A telephone of whatever make in a page."""

    @property
    def played(self) -> Path: ...

    def hears(self, played: Path) -> float: ...

    def figures(self) -> dict[str, Any]: ...


def hear_each_other(page: InBrowser, desk: Baresip) -> None:
    """Wait until both sides of a call hear, from now on, what the other plays and not themselves;
    and the browser counts packets both ways, and sound in them."""
    hears(page, desk.played)
    desk.hears_now(page.played)
    first = page.figures()
    assert first["dtls"] == "connected"
    wait_until(lambda: _is_more(page.figures(), first), "the page's figures grow")


def _is_more(figures: dict[str, Any], first: dict[str, Any]) -> bool:
    return all(figures[name] > first[name] for name in ("sent", "received", "energy"))


def talk(caller: BrowserPhone, callee: BrowserPhone, name: str) -> None:
    """One page calls the other, whose user has that name."""
    caller.dials(name)
    callee.is_in("ringing")
    callee.answers()
    caller.is_in("talking")
    callee.is_in("talking")


def pages_hear(one: InBrowser, other: InBrowser) -> None:
    """Wait until each hears what the other's microphone does, and not its own."""
    assert one.played != other.played, "each would hear itself"
    hears(one, other.played)
    hears(other, one.played)


def hears(page: InBrowser, played: Path) -> None:
    """Wait until that sound comes from the other side."""
    wait_until(lambda: page.hears(played) > HEARD, "the page hears the other side")


def hears_keys_of(page: BrowserPhone, desk: Baresip, *keys: str) -> None:
    """Wait until the tone of each key that is pressed at the desk phone is heard in the page."""
    for key in keys:
        wait_until(partial(_hears_key, page, desk, key), f"the tone of {key} is heard")


def _hears_key(page: BrowserPhone, desk: Baresip, key: str) -> bool:
    return page.hears_keys(partial(desk.presses, key)) == key


class Softphones(Closing):
    """Opens them, three in browsers of their own and the next with the first again; all end with
    the block."""

    def __init__(self, platform: Platform, browsers: Browsers, domain: str, folder: Path) -> None:
        self._platform = platform
        self._browsers = browsers
        self._numbers = itertools.cycle(range(3))
        self._domain = domain
        self._folder = folder
        self._ends = ExitStack()

    def close(self) -> None:
        self._ends.close()

    def __call__(self, name: str, *, script: str = "", **options: Any) -> BrowserPhone:
        """The page of a new user of that name, registered; `script` runs before the page's own."""
        party = self._platform.add_user(name, self._domain)
        browser = self._browsers[next(self._numbers)]
        context = browser.context(**options)
        self._ends.callback(browser.leave, context)
        if script:
            context.add_init_script(script)
        aor = f"{party.user}@{party.domain}"
        self._platform.python(_MAKE_PERSON.format(aor=aor))
        sign_in(self._platform, context, aor)
        cable = self._ends.enter_context(Cable(self._platform.web_port))
        page = context.new_page()
        page.goto(f"https://127.0.0.1:{cable.port}/softphone")
        phone = BrowserPhone(page, self._folder, cable, browser.played)
        phone.is_ready()
        return phone
