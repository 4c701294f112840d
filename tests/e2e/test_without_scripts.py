"""Lists of the dashboard in a browser that runs no scripts: found, sorted, turned, changed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.harness.browser import Chromium
from tests.harness.platform import Platform
from tests.harness.sessions import sign_in

pytestmark = [pytest.mark.db, pytest.mark.e2e]

OWNER = "owner@plain.example"
_TENANT = f"""
from fedsip_platform.directory import imports, services
from fedsip_platform.tenants.models import Membership
from tests.platform.world import PASSWORD, make_person
tenant = services.create_tenant("Plain", "plain")
domain = services.create_domain(tenant, "plain.example")
rows = [imports.NewSubscriber(f"u{{n:03}}", PASSWORD, f"Name {{999 - n}}") for n in range(120)]
imports.create_subscribers(domain, rows)
services.create_translation(domain, match_regex="^1$", tran_user="u001", priority=10)
services.create_translation(domain, match_regex="^2$", tran_user="u002", priority=20)
Membership.objects.create(person=make_person("{OWNER}"), tenant=tenant, role="owner")
"""


@pytest.fixture(scope="module")
def page(web_platform: Platform, browser: Chromium) -> Iterator[Page]:
    web_platform.python(_TENANT)
    context = browser.context(
        java_script_enabled=False, base_url=f"https://127.0.0.1:{web_platform.web_port}"
    )
    sign_in(web_platform, context, OWNER)
    yield context.new_page()
    context.close()


def addresses(page: Page) -> list[str]:
    return page.locator("#user-rows a.address").all_inner_texts()


def test_users_are_found_sorted_and_turned_over(page: Page) -> None:
    page.goto("/t/plain/users/")
    first = addresses(page)
    page.get_by_role("link", name="Next").click()
    assert addresses(page)[0] > first[-1]
    page.get_by_label("Address or name").fill("u01")
    page.get_by_role("button", name="Filter").click()
    assert addresses(page) == [f"u01{n}@plain.example" for n in range(10)]
    page.get_by_role("link", name="Name", exact=True).click()
    assert addresses(page)[0] == "u019@plain.example"
    page.get_by_role("link", name="Never registered").click()
    assert len(addresses(page)) == 10


def test_chosen_users_are_disabled_and_that_is_taken_back(page: Page) -> None:
    page.goto("/t/plain/users/?q=u02")
    for name in ("u020", "u021"):
        page.get_by_label(f"Choose {name}@plain.example").check()
    expect(page.get_by_label("Choose all on this page")).to_be_hidden()
    page.get_by_role("button", name="Disable").click()
    expect(page.locator(".toasts")).to_contain_text("2 users are disabled")
    page.locator(".toasts").get_by_role("button", name="Undo").click()
    expect(page.locator(".toasts")).to_contain_text("2 users may sign in again")


def test_rules_are_moved_switched_and_tried(page: Page) -> None:
    page.goto("/t/plain/routing/")
    rules = page.locator("#rule-list > li")
    expect(rules.first).to_contain_text("^1$")
    rules.first.get_by_role("button", name="Down").click()
    expect(rules.first).to_contain_text("^2$")
    rules.first.get_by_role("button", name="Turn off").click()
    page.get_by_label("Caller").fill("u005")
    page.get_by_label("Dials").fill("2")
    page.get_by_role("button", name="Try it").click()
    expect(rules.first).to_contain_text("the rule is switched off")
    expect(page.locator("#tried")).to_contain_text("There is no user 2@plain.example")


def test_a_rule_is_tried_while_it_is_written(page: Page) -> None:
    page.goto("/t/plain/routing/")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Dialled number or name").fill("^7$")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator(".toasts")).to_contain_text("The rule is in force.")
    page.get_by_role("link", name="New rule").click()
    page.get_by_label("Dialled number or name").fill("^3$")
    page.get_by_label("New user").fill("u003")
    trial = page.locator("#trial")
    trial.get_by_label("Caller").fill("u005")
    trial.get_by_label("Dials").fill("3")
    trial.get_by_role("button", name="Try it").click()
    expect(page.locator("#tried")).to_contain_text("INVITE sip:u003@plain.example SIP/2.0")
    expect(page.get_by_label("New user")).to_have_value("u003")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator(".toasts")).to_contain_text("The rule is in force.")


def test_the_search_has_a_page_of_its_own(page: Page) -> None:
    page.goto("/t/plain/domains/")
    field = page.get_by_role("searchbox")
    field.fill("u077")
    field.press("Enter")
    page.get_by_role("link", name="u077@plain.example").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Name 922")
