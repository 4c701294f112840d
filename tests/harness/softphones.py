"""Softphone pages on a platform: a user, a person whose phone that is, and the page open."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext

from tests.harness.browser import BrowserPhone, Chromium
from tests.harness.cable import Cable
from tests.harness.closing import Closing
from tests.harness.platform import Platform
from tests.harness.sipp import Party

_MAKE_SESSION = """
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from fedsip_platform.directory.models import Subscriber
from fedsip_platform.gateway.services import give_phone
from fedsip_platform.tenants.models import Membership, Person
user = Subscriber.objects.get(aor="{aor}")
person = Person.objects.create_user("{aor}")
Membership.objects.create(person=person, tenant=user.domain.tenant, role="viewer")
give_phone(person, user)
session = SessionStore()
session[SESSION_KEY] = str(person.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
session[HASH_SESSION_KEY] = person.get_session_auth_hash()
session.create()
print(json.dumps(session.session_key))
"""


class Softphones(Closing):
    """Opens them; all end with the block."""

    def __init__(self, platform: Platform, browser: Chromium, domain: str, folder: Path) -> None:
        self._platform = platform
        self._browser = browser
        self._domain = domain
        self._folder = folder
        self._ends = ExitStack()

    def close(self) -> None:
        self._ends.close()

    def __call__(self, name: str, **options: Any) -> BrowserPhone:
        """The page of a new user of that name, registered."""
        party = self._platform.add_user(name, self._domain)
        context = self._browser.context(**options)
        self._ends.callback(context.close)
        self._sign_in(context, party)
        cable = self._ends.enter_context(Cable(self._platform.web_port))
        page = context.new_page()
        page.goto(f"https://127.0.0.1:{cable.port}/softphone")
        phone = BrowserPhone(page, self._folder, cable)
        phone.is_ready()
        return phone

    def _sign_in(self, context: BrowserContext, party: Party) -> None:
        """Give the browser the session of a new person; signing in is other tests' subject."""
        code = _MAKE_SESSION.format(aor=f"{party.user}@{party.domain}")
        said = self._platform.python(code)
        context.add_cookies(
            [
                {
                    "name": "__Host-fedsip-session",
                    "value": json.loads(said.splitlines()[-1]),
                    "url": "https://127.0.0.1/",  # of every port
                    "secure": True,
                    "httpOnly": True,
                }
            ]
        )
