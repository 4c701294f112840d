"""fedsip checks"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip
from tests.harness.dns_server import DnsThread, Zones

pytestmark = pytest.mark.db


def test_check_now_and_look_at_the_last_one(acme: Fedsip, monkeypatch: pytest.MonkeyPatch) -> None:
    never = acme("checks", "show", "example.com")
    assert "was not checked yet" in never.complained
    with DnsThread(Zones({"example.com": "@ A 192.0.2.1"})) as server:
        monkeypatch.setenv("FEDSIP_SIP_DNS_SERVERS", server.address)
        said = acme("checks", "run", "example.com").said
    assert said.startswith("example.com: failing, checked ")
    assert "- NAPTR of example.com is missing: " in said
    assert acme("checks", "show", "example.com").said == said
    (listed,) = acme("checks", "list", "--state", "failing", "--json").json
    assert (listed["domain"], listed["changes"]) == ("example.com", [])
    assert acme("checks", "list", "--state", "fine").said == "(none)\n"
