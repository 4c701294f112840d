"""fedsip usage"""

from __future__ import annotations

import pytest

from fedsip_platform.tenants.models import Tenant
from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_limits_and_use(acme: Fedsip) -> None:
    Tenant.objects.update(max_domains=3)
    shown = {each["name"]: each for each in acme("usage", "acme", "--json").json}
    assert shown["domains"] == {"name": "domains", "used": 1, "limit": 3}
    assert shown["calls_per_second"]["used"] == 0
    refused = acme("usage", "acne")
    assert refused.complained == "fedsip: there is no tenant acne; did you mean acme?\n"
