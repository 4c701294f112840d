"""One call to several phones, a browser among them: whoever answers has sound both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.baresip import Baresip, desks_hear
from tests.harness.calls import register
from tests.harness.platform import Platform
from tests.harness.processes import free_port
from tests.harness.sipp import SDP, Sipp, receive, response, scenario, send
from tests.harness.softphones import Softphones, hear_each_other

pytestmark = [pytest.mark.db, pytest.mark.e2e]

DOMAIN = "several.test"


@pytest.fixture(scope="module")
def platform(web_platform: Platform) -> Platform:
    web_platform.add_domain(DOMAIN, "media_policy=always", "nat_keepalive=off", tenant="several")
    return web_platform


def sipp(platform: Platform, folder: Path, *steps: str, name: str, port: int) -> Sipp:
    remote = f"127.0.0.1:{platform.port}"
    return Sipp(scenario(*steps), folder, name=name, remote=remote, port=port, address="127.0.0.1")


def test_one_that_answers_after_another_has_sent_early_media(
    platform: Platform,
    softphone: Softphones,
    baresip: Callable[..., Baresip],
    tmp_path: Path,
) -> None:
    page, bob, port = softphone("hurried"), platform.add_user("bob", DOMAIN), free_port()
    sipp(platform, tmp_path, *register(bob), name="register", port=port).succeeds()
    early = sipp(
        platform,
        tmp_path,
        receive("INVITE", remember=True),
        send(response(183, "Session Progress", user=bob.user, body=SDP), retransmit=False),
        receive("CANCEL"),
        send(response(200, "OK", new_tag=False), retransmit=False),
        send(response(487, "Request Terminated", remembered=True)),
        receive("ACK"),
        name="early",
        port=port,
    )
    desk = baresip(bob)
    page.dials(bob.aor)
    page.page.get_by_text("It rings there").wait_for()
    desk.accepts()
    page.is_in("talking")
    hear_each_other(page, desk)
    early.succeeds()
    page.clicks("end")
    desk.closed()


@pytest.mark.parametrize("is_page", [True, False], ids=["the page answers", "the desk phone does"])
def test_a_group_of_a_page_and_a_desk_phone(
    platform: Platform,
    softphone: Softphones,
    baresip: Callable[..., Baresip],
    is_page: bool,
) -> None:
    names = [f"{what}{int(is_page)}" for what in ("page", "desk", "caller", "group")]
    page, member = softphone(names[0]), platform.add_user(names[1], DOMAIN)
    platform.cli("group", "add", f"{names[3]}@{DOMAIN}", f"members={names[0]},{names[1]}")
    desk, caller = baresip(member), baresip(platform.add_user(names[2], DOMAIN))
    caller.dials(f"sip:{names[3]}@{DOMAIN}")
    page.is_in("ringing")
    desk.awaits("CALL_INCOMING")
    if is_page:
        page.answers()
        caller.established()
        desk.closed()
        hear_each_other(page, caller)
    else:
        desk.command("accept")
        caller.established()
        page.has_no_call()
        desks_hear(caller, desk)
    caller.command("hangup")
