"""Somebody in front of the dashboard, in a browser: reads, fills in, presses."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page

SIZES = ((1440, 900), (390, 844))
THEMES = ("light", "dark")
_TOTP_SECONDS = 30  # RFC 6238 s5.2


class Visitor:
    """One person's browser on one platform."""

    def __init__(self, context: BrowserContext, port: int) -> None:
        self.context = context
        self.base = f"https://127.0.0.1:{port}"
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        """Errors of scripts, and what the page's policy kept out."""
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, said: ConsoleMessage) -> None:
        # Not what was under way when the page was left, nor that a page is not there.
        if "Content Security Policy" in said.text:
            self.complaints.append(f"{self.page.url}: {said.text}")

    def opens(self, path: str) -> int:
        """Go to a page; its status."""
        answer = self.page.goto(path if path.startswith("https:") else self.base + path)
        assert answer is not None
        return answer.status

    def signs_in(self, email: str, password: str) -> None:
        self.opens("/sign-in")
        self.fills({"E-mail address": email, "Password": password})
        self.goes("Sign in")

    def confirms(self, password: str) -> None:
        """Give the password once more, where the page wants to be sure who it is."""
        if "/reauthenticate/" in self.page.url:
            self.page.locator("main [name=password]").fill(password)
            with self.page.expect_navigation():
                self.page.locator("main form button[type=submit]").first.click()

    def fills(self, fields: dict[str, str]) -> None:
        """Type into the fields of the page's content that are labelled so."""
        for label, text in fields.items():
            field = self._content().get_by_label(label, exact=True)
            if field.evaluate("it => it.tagName") == "SELECT":
                field.select_option(label=text)
            else:
                field.fill(text)

    def presses(self, name: str) -> None:
        """Press that button or link of the page's content; the page stays."""
        self._named(name).click()

    def goes(self, name: str) -> None:
        """Press that button or link, and wait for the page that it leads to."""
        with self.page.expect_navigation():
            self._named(name).click()

    def signs_out(self) -> None:
        self.page.locator(".person > summary").click()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign out").click()

    def reads(self, text: str) -> None:
        """Wait until the page says so."""
        self._content().get_by_text(text).first.wait_for()

    def shown_once(self) -> str:
        """The secret that the page shows now and never again."""
        return self.page.locator("#secret").inner_text()

    def widest(self) -> int:
        """How wide the page is, whatever the window shows of it."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def takes_theme(self, theme: str) -> None:
        cookie = {"name": "theme", "value": theme, "url": self.base, "secure": True}
        self.context.add_cookies([cookie])  # type: ignore[list-item]

    def photographs(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{name}.png", full_page=True)

    def is_live(self) -> None:
        """Wait until the page hears of changes."""
        self.page.locator(".live.on").wait_for()

    def _named(self, name: str) -> Locator:
        button = self._content().get_by_role("button", name=name)
        return button.or_(self._content().get_by_role("link", name=name)).first

    def _content(self) -> Locator:
        return self.page.locator("main")


def totp(secret: str, *, at: float | None = None) -> str:
    """What an authenticator app shows (RFC 6238, six digits)."""
    key = base64.b32decode(secret.upper() + "=" * (-len(secret) % 8))
    counter = int(time.time() if at is None else at) // _TOTP_SECONDS
    digest = hmac.digest(key, struct.pack(">Q", counter), hashlib.sha1)
    start = digest[-1] & 15
    (number,) = struct.unpack(">I", digest[start : start + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06}"
