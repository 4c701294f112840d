"""fedsip origin"""

from __future__ import annotations

import pytest

from tests.cli.conftest import Fedsip

pytestmark = pytest.mark.db


def test_add_list_and_delete(acme: Fedsip) -> None:
    made = acme("origin", "add", "HTTPS://Shop.Example:443/", "--tenant", "acme")
    assert made.said == "pages of https://shop.example may telephone now.\n"
    listed = acme("origin", "list", "--json").json
    assert [(one["origin"], one["tenant"]) for one in listed] == [("https://shop.example", "acme")]
    acme("origin", "delete", "https://shop.example/", "--tenant", "acme")
    assert acme("origin", "list").said == "(none)\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("add", "shop.example"), "fedsip: Give scheme and host"),
        (("add", "https://shop.example/path"), "fedsip: Give scheme and host"),
        (("add", "null"), "fedsip: Give scheme and host"),
        (("delete", "https://shop.example"), "fedsip: https://shop.example is no site of acme"),
    ],
)
def test_errors_are_sentences(acme: Fedsip, words: tuple[str, ...], sentence: str) -> None:
    refused = acme("origin", *words, "--tenant", "acme")
    assert (refused.code, refused.complained.startswith(sentence)) == (1, True)


def test_a_site_once(acme: Fedsip) -> None:
    acme("origin", "add", "https://shop.example", "--tenant", "acme")
    again = acme("origin", "add", "https://SHOP.example", "--tenant", "acme")
    assert (again.code, "listed already" in again.complained) == (1, True)
