"""Passkeys in a real browser, by the debugger's own authenticator: added, signed in by, taken away.

Browsers want a name, not an address, and a certificate without errors for these (WebAuthn s5.1):
the platform is called localhost, and its certificate's key is told to the browser.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import CDPSession

from tests.harness.browser import Chromium, chromium
from tests.harness.dashboard import Visitor
from tests.harness.platform import Platform

pytestmark = [pytest.mark.db, pytest.mark.e2e]

PASSWORD = "correct horse battery staple"
EMAIL = "pass@keys.test"
MAKE_PERSON = f"""
from fedsip_platform.directory import services
from fedsip_platform.people import services as people
person = people.make_person("{EMAIL}", "{PASSWORD}")
people.join(services.create_tenant("Keys", "keys"), person, "owner")
"""
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, migrated_url: str) -> Iterator[Platform]:
    settings = {"FEDSIP_WEB_ALLOWED_HOSTS": "127.0.0.1,localhost"}
    folder = tmp_path_factory.mktemp("passkeys")
    with Platform(folder, database_url=migrated_url, web=True, settings=settings) as running:
        running.python(MAKE_PERSON)
        yield running


@pytest.fixture
def visitor(platform: Platform, tmp_path: Path) -> Iterator[Visitor]:
    known = f"--ignore-certificate-errors-spki-list={key_of(platform.folder / 'cert.pem')}"
    with chromium(tmp_path, seed=5, more=[known]) as browser:
        yield at_localhost(browser, platform)


def at_localhost(browser: Chromium, platform: Platform) -> Visitor:
    visitor = Visitor(browser.context(), platform.web_port)
    visitor.base = f"https://localhost:{platform.web_port}"
    return visitor


def key_of(certificate: Path) -> str:
    """SHA-256 of the certificate's public key, as Chromium wants it."""
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    data = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def given_authenticator(visitor: Visitor) -> CDPSession:
    debugger = visitor.context.new_cdp_session(visitor.page)
    debugger.send("WebAuthn.enable")
    debugger.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    return debugger


def test_a_passkey_is_added_signs_in_and_is_taken_away(visitor: Visitor) -> None:
    given_authenticator(visitor)
    visitor.signs_in(EMAIL, PASSWORD)
    visitor.reads("Nothing is set up yet.")
    visitor.opens("/account/mfa/webauthn/add/")
    visitor.confirms(PASSWORD)
    visitor.page.locator("[name=name]").fill("My laptop")
    visitor.page.locator("[name=passwordless]").check()
    visitor.page.locator("#mfa_webauthn_add").click()
    visitor.page.wait_for_url(lambda url: "webauthn/add" not in url)

    visitor.context.clear_cookies()
    visitor.opens("/sign-in")
    visitor.presses("Use a passkey")
    visitor.reads("Nothing is set up yet.")

    visitor.opens("/account/mfa/webauthn/")
    visitor.reads("My laptop")
    visitor.goes("Remove")
    visitor.goes("Remove")
    visitor.opens("/account/mfa/")
    visitor.reads("No security keys have been added.")
    visitor.context.clear_cookies()
    visitor.opens("/sign-in")
    visitor.presses("Use a passkey")
    visitor.reads("Incorrect code")
    assert "/t/" not in visitor.page.url
