"""The policies that a call met: what the proxy writes, in words on the page and in REST."""

from __future__ import annotations

import csv
import json
from html import unescape

import pytest

from fedsip_platform.calls import policies
from fedsip_platform.calls.models import LiveCall
from proxy.directory.federation_rules import judge
from proxy.observe.policies import line, side
from tests.platform.world import Api, World, make_call

pytestmark = pytest.mark.db

CALLER = side("auto", "offered", (b"opus", b"pcma"), (True, False, True, False, True))
CALLEE = side("always", "off", (), (False,) * 5)
TEXT = line(CALLER, CALLEE, "always", "", judge("verified_tls", None).in_words)
NO_SIDE = side("", "off", (), (False,) * 5)


def test_what_the_proxy_writes_is_read() -> None:
    found = policies.policies_of(TEXT)
    assert found.caller == policies.Side(
        "auto", "offered", ("opus", "pcma"), True, False, True, False, True
    )
    assert found.callee == policies.Side("always", "off")
    assert (found.media, found.federation_in) == ("always", None)
    assert found.federation_out == policies.Crossing("verified_tls", False, True, False)


def test_nothing_is_said_of_what_is_unknown() -> None:
    assert line(NO_SIDE, NO_SIDE, "", "", "") == ""
    assert policies.policies_of("") == policies.Policies()


@pytest.mark.parametrize("number", range(5))
def test_each_flag_is_known(number: int, acme: World) -> None:
    flags = tuple(at == number for at in range(5))
    text = line(side("auto", "off", (), flags), "", "", "", "")  # type: ignore[arg-type]
    call = make_call(acme.tenant, acme.domain, policies=text)
    [(title, said)] = policies.said(call)
    assert (title, said.count(";")) == ("Caller's side", 2)
    found = policies.policies_of(text).caller
    assert found is not None
    assert [
        found.require_tls, found.unauthenticated, found.e164, found.nat_alias_contact,
        found.is_behind_nat,
    ] == list(flags)  # fmt: skip


def test_page_rest_and_csv_say_them(acme: World) -> None:
    api = Api(acme.people["viewer"])
    call = make_call(acme.tenant, acme.domain, call_id="policies@acme", policies=TEXT)
    page = unescape(api.get(f"/t/{acme.tenant.slug}/calls/{call.public_id}").content.decode())
    for words in (
        "by our relay, as a policy says always",
        "by a relay where needed; SRTP offered; codecs opus, pcma alone; TLS required; "
        "numbers made E.164; behind a NAT",
        "always by a relay; no SRTP of ours",
        "open to domains that prove who they are; proof by certificate asked",
    ):
        assert words in page
    shown = api.get(f"calls/{call.public_id}").json()["policies"]
    assert shown["caller"]["codecs"] == ["opus", "pcma"]
    assert shown["caller"]["is_behind_nat"] is True
    assert shown["callee"]["media_policy"] == "always"
    assert shown["federation_out"] == {
        "policy": "verified_tls", "by_rule": False, "verified": True, "trusted": False,
    }  # fmt: skip
    export = api.get(f"calls/export?call_id={call.call_id}")
    text = b"".join(export.streaming_content).decode()  # type: ignore[attr-defined]
    [row] = csv.DictReader(text.splitlines())
    assert json.loads(row["policies"]) == shown


def test_a_call_that_goes_on_has_them_too(acme: World) -> None:
    call = make_call(acme.tenant, acme.domain)
    live = LiveCall.objects.create(
        public_id="11111111-2222-4333-8444-555555555555", call_id="live", tenant=acme.tenant,
        domain=acme.domain, started_at=call.started_at, policies="media=nat",
    )  # fmt: skip
    shown = Api(acme.people["viewer"]).get(f"live-calls/{live.public_id}").json()["policies"]
    assert (shown["media"], shown["caller"]) == ("nat", None)
