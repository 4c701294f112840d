"""fedsip audit"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_what_was_done_is_told_and_filtered(acme: Fedsip) -> None:
    acme("domain", "set", "example.com", "note=x")
    (latest,) = acme("audit", "--tenant", "acme", "-n", "1", "--json").json
    assert (latest["action"], latest["kind"], latest["key"]) == ("change", "domain", "example.com")
    assert latest["changes"] == {"note": ["", "x"]}
    assert latest["actor"].endswith(" at the command line")
    made = acme("audit", "--action", "create", "--kind", "tenant", "--json").json
    assert [one["key"] for one in made] == ["acme"]
    assert acme("audit", "--via", "api").said == "(none)\n"
    assert acme("audit", "--who", "nobody@example.org").said == "(none)\n"
