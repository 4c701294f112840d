"""A browser in which somebody is signed in already: the door itself is other tests' subject."""

from __future__ import annotations

import json

from playwright.sync_api import BrowserContext

from tests.harness.platform import Platform

_MAKE_SESSION = """
import json, time
from allauth.account.internal.flows import login
from allauth.account.internal.userkit import user_id_to_str
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from fedsip_platform.tenants.models import Person
person = Person.objects.get(email="{email}")
session = SessionStore()
session[SESSION_KEY] = str(person.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
session[HASH_SESSION_KEY] = person.get_session_auth_hash()
typed = {{"method": "password", "at": time.time(), "reauthenticated": True}}
session[login.AUTHENTICATION_METHODS_SESSION_KEY] = [typed]
session[login._AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(person)
session.create()
UserSession.objects.create(
    user=person, ip="203.0.113.7", session_key=session.session_key, user_agent="Chromium"
)
print(json.dumps(session.session_key))
"""


def sign_in(platform: Platform, context: BrowserContext, email: str) -> None:
    """Give the browser a new session of that person, who typed the password just now."""
    said = platform.python(_MAKE_SESSION.format(email=email))
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
