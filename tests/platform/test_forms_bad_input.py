"""Every form of the dashboard against what nobody should type, and against other sites' pages.

The forms are those of test_dashboard_isolation.py, which knows every address; their fields are read
off the pages. Whatever is sent, the answer is a page: the form with its reasons, or the change.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from fedsip_platform.people import urls as people_urls
from fedsip_platform.people.services import invite, own
from tests.platform.test_dashboard_isolation import (
    CHANGED_BY_OPERATORS,
    CHANGING,
    OF_OPERATORS,
    SHOWN,
    address,
    addresses_of,
)
from tests.platform.world import PASSWORD, Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

MARK = "<script>alert(1)</script>"
BAD = {
    "nothing": "",
    "huge": "x" * 20_000,
    "HTML": f"\"'>{MARK}",
    "SQL": "'; DROP TABLE directory_domain; --",
    "NUL": "a\0b",
    "other scripts": "\u540d\u524d\u202e\U0001f4de\ufeff",
    "a large number": "9" * 40,
    "below zero": "-1",
    "two lines": "a\r\nX-Injected: yes",
}
ACCOUNT_FORMS = (
    *("sign-in", "account_reset_password", "account_change_password", "account_set_password"),
    *("account_reauthenticate", "account_signup", "switch-tenant", "mfa_authenticate"),
    *("mfa_reauthenticate", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn"),
    *("mfa_reauthenticate_webauthn", "mfa_login_webauthn", "mfa_generate_recovery_codes"),
    *("usersessions_list", "socialaccount_connections", "socialaccount_signup", "sign-out"),
)
SAME_FORMS = {"account_login", "account_logout"}
# Pages that only say something.
ANSWERS = {
    *("account_inactive", "account_reset_password_done", "account_reset_password_from_key_done"),
    *("account_email_verification_sent", "mfa_index", "mfa_view_recovery_codes"),
    *("mfa_download_recovery_codes", "mfa_list_webauthn", "socialaccount_login_cancelled"),
    "socialaccount_login_error",
}
_FIELD = re.compile(r'<(?:input|select|textarea)[^>]* name="([^"]+)"')


def fields_of(client: Client, path: str, body: dict[str, Any]) -> set[str]:
    """Every field of the page's forms, beside those that are known to be sent."""
    answer = client.get(path, secure=True)
    found = _FIELD.findall(answer.content.decode()) if answer.status_code == 200 else []
    return {*found, *body} - {"csrfmiddlewaretoken", "theme", "next"}


def sent_without_trace(client: Client, path: str, body: dict[str, Any]) -> Any:
    """The answer to a form, whose change is taken back."""
    with transaction.atomic():
        answer = client.post(path, body, secure=True)
        if answer.streaming:
            answer.getvalue()
        transaction.set_rollback(True)
    return answer


def test_every_form_answers_with_a_page(acme: World, as_operator: Api) -> None:
    owner, operator = Api(acme.people["owner"])._client, as_operator._client
    sent: list[tuple[Client, str, dict[str, Any]]] = [
        (owner, address(name, acme, keys, acme), body) for name, (keys, body) in CHANGING.items()
    ]
    sent += [(operator, find(acme), {}) for find in OF_OPERATORS.values()]
    body = {"network": "", "note": ""}
    sent += [(operator, find(), body) for find in CHANGED_BY_OPERATORS.values()]
    for client, path, body in sent:
        names = fields_of(client, path, body)
        for kind, value in BAD.items():
            answer = sent_without_trace(client, path, dict.fromkeys(names, value))
            assert answer.status_code in (200, 302, 403, 404, 405), f"{path} with {kind}"
            assert MARK not in answer.content.decode(), path
            assert "X-Injected" not in answer.headers


def test_every_filter_answers_with_a_page(acme: World) -> None:
    owner = Api(acme.people["owner"])._client
    names = ("q", "at", "order", "show", "domain", "result", "status", "from", "to", "kind", "via")
    names += ("rule", "user", "caller", "dialled", "user_agent", "condition")
    for name, keys in SHOWN.items():
        path = address(name, acme, keys, acme)
        for kind, value in BAD.items():
            answer = owner.get(path, dict.fromkeys(names, value[:4000]), secure=True)
            assert answer.status_code in (200, 404), f"{path} with {kind}"
            text = answer.getvalue() if answer.streaming else answer.content
            assert MARK.encode() not in text, path


def test_other_sites_pages_send_no_form(acme: World) -> None:
    client = Client(enforce_csrf_checks=True)
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    client.force_login(acme.people["owner"], backend)
    for name, (keys, body) in CHANGING.items():
        path = address(name, acme, keys, acme)
        assert client.post(path, body, secure=True).status_code == 403, path
    for path in ("/sign-in", "/sign-out", "/theme", "/account/tenant"):
        assert client.post(path, secure=True).status_code == 403, path


def test_cookies_are_for_this_site_alone(acme: World) -> None:
    client = Api(acme.people["owner"])._client
    client.post("/theme", {"theme": "dark"}, secure=True)
    client.get("/t/acme/domains/new", secure=True)
    del client.cookies["__Host-fedsip-session"]  # made by the test; test_api.py looks at a real one
    assert len(client.cookies) == 2
    for name, cookie in client.cookies.items():
        assert cookie["secure"], name
        assert cookie["samesite"] in ("Lax", "Strict"), name


def test_every_form_of_ones_own_answers_with_a_page(acme: World) -> None:
    """One's own phone, one's account, and the doors."""
    person = make_person("alice@people.example", name="Alice")
    person.set_password(PASSWORD)
    person.save()
    own(acme.user, person)
    key = {"key": acme.user.public_id}
    paths = [reverse("my-user", kwargs=key), reverse("my-password", kwargs=key)]
    paths += [reverse(name) for name in ("phone", "mine", "theme")]
    paths += [reverse(name) for name in ACCOUNT_FORMS]
    _, link = invite(acme.tenant, "new@people.example", "viewer")
    for client in (Api(person)._client, Client()):
        for path in [*paths, link]:
            names = fields_of(client, path, {"next": "", "theme": ""})
            for kind, value in BAD.items():
                answer = sent_without_trace(client, path, dict.fromkeys(names, value))
                # 429: the door holds out against guessing
                assert answer.status_code in (200, 302, 403, 404, 405, 410, 429), f"{path} {kind}"
                assert MARK not in answer.content.decode(), path
                assert "X-Injected" not in answer.headers


def test_every_form_of_an_account_has_a_line_here() -> None:
    """What takes a key or a provider of its own is django-allauth's own business."""
    names = {name for name, path in addresses_of(people_urls.urlpatterns) if "<" not in path}
    assert names == set(ACCOUNT_FORMS) | SAME_FORMS | ANSWERS
