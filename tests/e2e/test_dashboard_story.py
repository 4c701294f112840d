"""A tenant runs its phones without asking anyone: the whole way in Chromium, with real phones.

Nothing is waited for by time: each step waits for what a person would look at.
"""

from __future__ import annotations

import email
import email.policy
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.harness.baresip import Account, Baresip
from tests.harness.browser import Chromium, settled
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in
from tests.harness.totp import code_of
from tests.harness.waiting import wait_until

pytestmark = [pytest.mark.db, pytest.mark.e2e]

PASSWORD = "correct horse battery staple"
USERS = 200
PCAP = b"\x4d\x3c\xb2\xa1"  # times in nanoseconds
_MAKE_PERSON = """
from fedsip_platform.people import services
from fedsip_platform.tenants.models import Tenant
person = services.make_person("{email}", "{password}", is_operator={is_operator})
if "{role}":
    services.join(Tenant.objects.get(slug="{tenant}"), person, "{role}")
"""
_POST_LETTERS = "from fedsip_platform.tasks.letters import post_waiting; post_waiting()"


@pytest.fixture(autouse=True, scope="module")
def _bound() -> None:
    expect.set_options(timeout=60_000)


class Visitor:
    """A person at a browser of her own."""

    def __init__(self, platform: Platform, context: BrowserContext) -> None:
        self.platform = platform
        self.context = context
        self.page = context.new_page()
        self.origin = f"https://localhost:{platform.web_port}"

    def opens(self, path: str) -> None:
        self.page.goto(path if path.startswith("https:") else f"{self.origin}{path}")

    def follows(self, name: str) -> None:
        """Click the link of that name in the content."""
        self.page.locator("main").get_by_role("link", name=name).first.click()

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def types(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).locator("visible=true").first).to_be_visible()

    def signs_in(self, address: str) -> None:
        """By the door, as a stranger comes."""
        self.opens("/sign-in")
        self.types("E-mail address", address)
        self.types("Password", PASSWORD)
        self.presses("Sign in")

    def confirms(self) -> None:
        """Type the password again, as what is dangerous asks for it."""
        self.sees("Confirm Access")
        self.types("Password", PASSWORD)
        self.presses("Confirm")

    def marks_the_page(self) -> None:
        """From now on `is_the_same` tells whether it was loaded anew."""
        self.page.evaluate("() => { window.marked = true; }")

    def is_the_same(self) -> bool:
        return bool(self.page.evaluate("() => window.marked === true"))

    def is_live(self) -> None:
        """Wait until changes are told to this page."""
        expect(self.page.locator(".live.on")).to_have_count(1)


Visit = Callable[[], Visitor]


@pytest.fixture
def visitor(web_platform: Platform, browser: Chromium) -> Iterator[Visit]:
    """Make visitors; their browsers end with the test."""
    contexts: list[BrowserContext] = []

    def make() -> Visitor:
        contexts.append(browser.context(accept_downloads=True, reduced_motion="reduce"))
        return Visitor(web_platform, contexts[-1])

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def phone(web_platform: Platform, tmp_path: Path) -> Iterator[Callable[..., Baresip]]:
    """A baresip of that user, with that password, which has registered."""
    running: list[Baresip] = []

    def start(user: str, domain: str, password: str, **how: Any) -> Baresip:
        account = Account(user, domain, password, web_platform.uri())
        running.append(Baresip(account, tmp_path / user, seed=len(running) + 1, **how))
        running[-1].registers()
        return running[-1]

    yield start
    for each in running:
        each.stop()


def person(platform: Platform, address: str, *, role: str = "", tenant: str = "") -> str:
    """Somebody with a password; an operator where no role is given."""
    platform.python(
        _MAKE_PERSON.format(
            email=address, password=PASSWORD, role=role, tenant=tenant, is_operator=not role
        )
    )
    return address


# -- the story


def test_a_tenant_runs_its_phones_without_asking_anyone(
    web_platform: Platform,
    visitor: Visit,
    phone: Callable[..., Baresip],
    tmp_path: Path,
) -> None:
    operator, admin = visitor(), visitor()
    operator.signs_in(person(web_platform, "operator@platform.example"))
    link = an_operator_makes_a_tenant(operator, invites="admin@story.example")
    the_administrator_comes(admin, link)
    domain = she_adds_a_domain(admin)
    the_operator_vouches_for_it(operator, domain)
    secrets_of = she_imports_users(admin, domain, tmp_path)
    she_writes_a_rule_and_tries_it(admin, domain)
    alice, bob = she_watches_phones_register(admin, domain, secrets_of, phone)
    she_watches_a_call_and_ends_it(admin, alice, bob)
    she_finds_out_how_it_went(admin)


def an_operator_makes_a_tenant(operator: Visitor, *, invites: str) -> str:
    """The link of the letter that her invitation sends."""
    operator.sees("Tenants")
    operator.follows("New tenant")
    operator.types("Name", "Story & Söhne")
    operator.types("Short name", "story")
    operator.page.get_by_label("Second factor required").check()
    operator.presses("Make the tenant")
    operator.sees("as an operator of the platform")
    operator.opens("/t/story/settings/")
    operator.types("E-mail address", invites)
    operator.page.get_by_label("May", exact=True).select_option("admin")
    operator.presses("Send the letter")
    operator.sees("The link of the letter")
    letter = letter_to(operator.platform, invites)
    assert "operator@platform.example invites you to Story & Söhne" in letter
    found = re.search(r"https://\S+/invitation/\S+", letter)
    assert found, letter
    return found[0]


def letter_to(platform: Platform, address: str) -> str:
    """The text of the letter that the platform has posted last."""
    platform.python(_POST_LETTERS)
    newest = max((platform.folder / "mail").iterdir(), key=lambda path: path.stat().st_mtime)
    message = email.message_from_bytes(newest.read_bytes(), policy=email.policy.default)
    assert message["To"] == address
    return str(message.get_content())


def the_administrator_comes(admin: Visitor, link: str) -> None:
    """She joins, must set up a second factor, and comes in again by it."""
    admin.opens(link)
    admin.sees("Join Story & Söhne")
    admin.types("Your name", "Ada Administrator")
    admin.types("Password", PASSWORD)
    admin.presses("Join")
    admin.sees("Two-Factor Authentication")  # the tenant insists
    admin.opens("/t/story/")
    admin.sees("Two-Factor Authentication")
    admin.follows("Activate")
    admin.confirms()
    secret = admin.page.get_by_label("Authenticator secret").input_value()
    admin.page.get_by_label("Authenticator code").fill(code_of(secret))
    admin.presses("Activate")
    recovery = admin.page.get_by_label("Unused codes").input_value().split()
    assert len(recovery) == 10
    admin.opens("/")
    admin.sees("Nothing is set up yet.")
    admin.page.locator(".person summary").click()
    admin.presses("Sign out")
    admin.signs_in("admin@story.example")
    admin.page.get_by_label("Code").fill(recovery[0])
    admin.presses("Sign In")
    admin.sees("Nothing is set up yet.")


def she_adds_a_domain(admin: Visitor) -> str:
    domain = "story.test"
    admin.follows("Add a domain")
    admin.types("Domain", domain)
    admin.presses("Add the domain")
    zone = admin.page.locator("#zone").inner_text()
    assert f'{domain}. 3600 IN NAPTR 10 10 "s" "SIPS+D2T"' in zone
    assert f"_sip._udp.{domain}. 3600 IN SRV" in zone
    assert re.search(rf'_fedsip-verify\.{domain}\. 3600 IN TXT "fedsip=\w+"', zone)
    admin.sees("Not served yet")
    expect(admin.page.get_by_role("button", name="Vouch for it")).to_have_count(0)
    return domain


def the_operator_vouches_for_it(operator: Visitor, domain: str) -> None:
    """There is no DNS in this story."""
    operator.opens("/t/story/domains/")
    operator.follows(domain)
    operator.presses("Vouch for it: serve it without proof")
    operator.sees("is served from now on")


def she_imports_users(admin: Visitor, domain: str, folder: Path) -> dict[str, str]:
    """The passwords of those that have phones."""
    chosen = {"alice": secrets.token_hex(8), "bob": secrets.token_hex(8)}
    rows = [f"{name},{password},{name.title()}" for name, password in chosen.items()]
    rows += [f"user{number},,User {number}" for number in range(USERS - len(rows))]
    good, bad = folder / "good.csv", folder / "bad.csv"
    first = "username,password,display_name"
    good.write_text("\n".join([first, *rows]))
    bad.write_text("\n".join([first, *rows[:5], "two words,,Nobody", "alice,short,Twice"]))
    admin.opens("/t/story/users/")
    admin.follows("Import a file")
    admin.page.get_by_label("CSV file").set_input_files(bad)
    admin.presses("Look at it first")
    admin.sees("Nothing was imported. Correct these lines")
    wrong = admin.page.locator("#import-result tbody tr").all_inner_texts()
    assert {int(row.split()[0]) for row in wrong} == {7, 8}, wrong
    expect(admin.page.get_by_role("button", name="Import")).to_have_count(0)
    admin.page.get_by_label("CSV file").set_input_files(good)
    admin.presses("Look at it first")
    admin.sees(f"All {USERS} rows are good for {domain}.")
    admin.presses(f"Import {USERS} users")
    admin.sees(f"{USERS} users are in {domain}")
    admin.follows("To the users")
    admin.sees(f"{USERS} in all")
    return chosen


def she_writes_a_rule_and_tries_it(admin: Visitor, domain: str) -> None:
    admin.opens("/t/story/routing/")
    admin.follows("Write a rule")
    admin.types("Dialled number or name", "^1000$(")
    admin.types("New user", "bob")
    admin.presses("Put it in force")
    expect(admin.page.locator("#id_match_regex-wrong")).to_be_visible()  # beside the field
    admin.types("Dialled number or name", "^1000$")
    admin.presses("Put it in force")
    admin.sees("The rule is in force.")
    admin.page.locator("#trial").get_by_label("Caller").fill("alice")
    admin.page.locator("#trial").get_by_label("Dials").fill("1000")
    admin.presses("Try it")
    expect(admin.page.locator("#trial [role=status]")).to_contain_text(f"sip:bob@{domain}")
    expect(admin.page.locator("#trial .tag.good").first).to_have_text("applied")


def she_watches_phones_register(
    admin: Visitor, domain: str, secrets_of: dict[str, str], phone: Callable[..., Baresip]
) -> tuple[Baresip, Baresip]:
    """In the list of users and in the overview, both open all the time."""
    overview = Visitor(admin.platform, admin.context)
    overview.opens("/t/story/")
    admin.opens("/t/story/users/?q=alice")
    row = admin.page.get_by_role("row").filter(has_text=f"alice@{domain}")
    expect(row.locator(".status-dot.good")).to_have_count(0)
    for each in (admin, overview):
        each.is_live()
        each.marks_the_page()
    alice = phone("alice", domain, secrets_of["alice"])
    expect(row.locator(".status-dot.good")).to_have_count(1)
    bob = phone("bob", domain, secrets_of["bob"])
    online = overview.page.locator(".figures li").filter(has_text="users online").locator("b")
    expect(online).to_have_text("2")
    assert admin.is_the_same()
    assert overview.is_the_same()
    overview.page.close()
    return alice, bob


def she_watches_a_call_and_ends_it(admin: Visitor, alice: Baresip, bob: Baresip) -> None:
    admin.opens("/t/story/calls/")
    admin.sees("No calls yet")
    admin.is_live()
    admin.marks_the_page()
    alice.dials("1000")
    live = admin.page.locator("#live-calls tr")
    bob.awaits("CALL_INCOMING")
    expect(live).to_contain_text("ringing")
    bob.command("accept")
    alice.established()
    expect(live).to_contain_text("talking")
    expect(live).to_contain_text("alice@story.test")
    late = Visitor(admin.platform, admin.context)
    late.page.add_init_script("const now = Date.now; Date.now = () => now() - 3_600_000;")
    late.opens("/t/story/calls/")
    lasting = late.page.locator("#live-calls [data-seconds]")
    expect(lasting).to_have_text(re.compile(r"^0:(0[2-9]|[1-5]\d)$"))
    late.page.close()
    assert admin.is_the_same()
    live.get_by_role("button", name="Hang up").click()
    alice.closed()
    bob.closed()
    expect(admin.page.locator("#history tr")).to_contain_text("answered")
    expect(live).to_have_count(0)


def she_finds_out_how_it_went(admin: Visitor) -> None:
    admin.page.locator("#history a").first.click()
    expect(admin.page.locator(".verdict")).to_contain_text("alice called 1000 for")
    arrows = admin.page.locator(".ladder .arrow")
    expect(arrows.filter(has_text="180 Ringing").first).to_be_attached()
    arrows.filter(has_text="INVITE (SDP)").nth(1).locator(".hit").click()
    shown = admin.page.locator("details[open] pre")
    expect(shown).to_contain_text("INVITE sip:1000@story.test SIP/2.0")
    expect(shown).to_contain_text("Proxy-Authorization: Digest")
    assert not re.search(r'response="[0-9a-f]{32}', shown.inner_text())  # masked
    with admin.page.expect_download() as download:
        admin.follows("pcap")
    content = Path(download.value.path()).read_bytes()
    assert content[:4] == PCAP
    assert content.count(b"INVITE sip:") >= 2  # as it came and as it went
    admin.follows(", priority 99")  # the rule that the call took
    expect(admin.page.get_by_label("Dialled number or name")).to_have_value("^1000$")


# -- who may not


@pytest.fixture(scope="module")
def tenant(web_platform: Platform) -> str:
    """One with a user, and with rules in this order: one, two, three."""
    web_platform.add_domain("seen.test", tenant="seen")
    web_platform.add_user("alice", "seen.test")
    for number, name in enumerate(("one", "two", "three")):
        web_platform.python(
            "from fedsip_platform.directory import services\n"
            "from fedsip_platform.directory.models import Domain\n"
            "services.create_translation(Domain.objects.get(name='seen.test'), "
            f"match_regex='^{name}$', tran_user='alice', note='{name}', priority={number * 10})"
        )
    return "seen"


def test_a_viewer_sees_everything_and_changes_nothing(
    web_platform: Platform, visitor: Visit, tenant: str
) -> None:
    viewer = visitor()
    address = person(web_platform, "viewer@seen.example", role="viewer", tenant=tenant)
    sign_in(web_platform, viewer.context, address)
    viewer.origin = f"https://127.0.0.1:{web_platform.web_port}"  # where the session is known
    for path in ("", "users/", "domains/", "routing/", "calls/", "developers/", "settings/"):
        viewer.opens(f"/t/{tenant}/{path}")
        forms = viewer.page.locator("main form[method=post]").filter(
            has=viewer.page.locator("button:enabled")
        )
        expect(forms).to_have_count(0)
        for name in ("Add", "New", "Import", "Delete", "Make a token", "Edit", "Hang up"):
            expect(viewer.page.locator("main").get_by_role("button", name=name)).to_have_count(0)
    viewer.opens(f"/t/{tenant}/users/")
    viewer.follows("alice@seen.test")
    viewer.sees("No phone is signed in")
    expect(viewer.page.get_by_label("Name", exact=True)).to_be_disabled()
    token = viewer.page.locator("input[name=csrfmiddlewaretoken]").first.input_value()
    for path in ("domains/new", "users/new", "users/bulk", "developers/tokens", "settings/"):
        answer = viewer.context.request.post(
            f"{viewer.origin}/t/{tenant}/{path}",
            form={"csrfmiddlewaretoken": token, "name": "taken.test"},
            headers={"Referer": viewer.origin},
        )
        assert answer.status == 403, path
        assert "Your role does not reach this" in answer.text()


def test_a_stranger_sees_nothing(web_platform: Platform, visitor: Visit, tenant: str) -> None:
    stranger = visitor()
    stranger.opens(f"/t/{tenant}/users/")
    stranger.sees("Sign in to see your domains")
    web_platform.cli("tenant", "add", "elsewhere")
    stranger.signs_in(
        person(web_platform, "owner@elsewhere.example", role="owner", tenant="elsewhere")
    )
    stranger.sees("Nothing is set up yet.")
    for path in ("", "users/", "calls/", "routing/", "search?q=alice"):
        stranger.opens(f"/t/{tenant}/{path}")
        stranger.sees("There is no such page, or none that you may see.")
    refused = settled(
        stranger.page,
        """(tenant) => new Promise((resolve) => {
          const socket = new WebSocket(`wss://${location.host}/live?tenant=${tenant}`);
          socket.onopen = () => resolve(false);
          socket.onclose = () => resolve(true);
        })""",
        tenant,
    )
    assert refused


# -- by hand


def test_rules_are_ordered_by_mouse_and_by_keyboard(
    web_platform: Platform, visitor: Visit, tenant: str
) -> None:
    admin = visitor()
    admin.signs_in(person(web_platform, "admin@seen.example", role="admin", tenant=tenant))
    admin.opens(f"/t/{tenant}/routing/")
    notes = admin.page.locator(".rule .rule-note")
    expect(notes).to_have_text(["one", "two", "three"])
    with admin.page.expect_response("**/order"):
        takes(admin.page, 2)
        drags_over(admin.page, 1, until=["one", "three", "two"])
        drags_over(admin.page, 0, until=["three", "one", "two"])
        admin.page.mouse.up()
    expect(notes).to_have_text(["three", "one", "two"])
    admin.page.reload()
    expect(notes).to_have_text(["three", "one", "two"])
    first = admin.page.locator(".rule").first
    first.get_by_role("button", name="Down").focus()
    admin.page.keyboard.press("Enter")
    expect(notes).to_have_text(["one", "three", "two"])
    admin.page.keyboard.press("Enter")  # the focus has stayed with the rule that moves
    expect(notes).to_have_text(["one", "two", "three"])
    admin.page.reload()
    expect(notes).to_have_text(["one", "two", "three"])


def takes(page: Page, number: int) -> None:
    """Take that rule by its grip."""
    x, y = middle_of(page, number)
    page.mouse.move(x, y)
    page.mouse.down()


def drags_over(page: Page, number: int, *, until: list[str]) -> None:
    """To the upper half of that rule, in steps, as a hand does: it trembles there until the
    rules have made way, for a rule that is still gliding takes no other's place."""
    x, y = middle_of(page, number)
    notes = page.locator(".rule .rule-note")

    def made_way() -> bool:
        page.mouse.move(x, y - 6)
        page.mouse.move(x, y - 4, steps=10)
        return notes.all_text_contents() == until

    wait_until(made_way, f"the rules stand as {until}")


def middle_of(page: Page, number: int) -> tuple[float, float]:
    box = page.locator(".rule .grip").nth(number).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_anything_is_found_by_keyboard(web_platform: Platform, visitor: Visit, tenant: str) -> None:
    viewer = visitor()
    viewer.signs_in(person(web_platform, "finder@seen.example", role="viewer", tenant=tenant))
    viewer.sees("steps to the first call are done")
    keyboard = viewer.page.keyboard
    keyboard.press("/")
    keyboard.type("ali")
    expect(viewer.page.locator("#found a")).to_contain_text("alice@seen.test")
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    viewer.sees("No phone is signed in")
    keyboard.press("Control+k")
    keyboard.type("rout")
    expect(viewer.page.locator("#found a")).to_have_text("Routing")
    keyboard.press("Escape")
    expect(viewer.page.locator("#found a")).to_have_count(0)


def test_a_passkey_opens_the_door(web_platform: Platform, visitor: Visit, tenant: str) -> None:
    owner = visitor()
    debugger = owner.context.new_cdp_session(owner.page)
    debugger.send("WebAuthn.enable")
    debugger.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    owner.signs_in(person(web_platform, "owner@seen.example", role="owner", tenant=tenant))
    owner.sees("steps to the first call are done")
    owner.opens("/account/mfa/")
    owner.follows("Add")
    owner.confirms()
    owner.page.get_by_label("Name").fill("Laptop")
    owner.page.get_by_label("Passwordless").check()
    owner.presses("Add")
    owner.sees("Recovery Codes")
    owner.opens("/account/mfa/webauthn/")
    owner.sees("Laptop")
    owner.context.clear_cookies()
    owner.opens("/sign-in")
    owner.presses("Use a passkey")
    owner.sees("steps to the first call are done")


AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


# -- one's own page


def test_ones_own_phone_is_seen_as_it_registers(
    web_platform: Platform, visitor: Visit, tenant: str, phone: Callable[..., Baresip]
) -> None:
    party = web_platform.add_user("mine", "seen.test")
    web_platform.python(
        "from fedsip_platform.directory.models import Subscriber\n"
        "from fedsip_platform.people import services\n"
        f"owner = services.make_person('mine@people.example', {PASSWORD!r})\n"
        "services.own(Subscriber.objects.get(aor='mine@seen.test'), owner)"
    )
    owner = visitor()
    owner.signs_in("mine@people.example")
    owner.sees("No phone is signed in")
    owner.is_live()
    owner.marks_the_page()
    started = phone(party.user, party.domain, party.password)
    expect(owner.page.locator("#my-life")).to_contain_text("baresip")
    expect(owner.page.locator("#presence.good")).to_have_count(1)
    owner.sees("1 device rings")
    assert owner.is_the_same()
    started.stop()
