"""What rules may write into messages: spaces of any width, no line end, no control character."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory.header_lines import PROTECTED_HEADERS, is_one_line
from proxy.directory.model import Translation
from proxy.directory.translate import TranslationError, apply
from proxy.sip.uri import SipUri

RULE = Translation(5, 1, b"example.com")
URI = SipUri(b"sip", b"1000", b"example.com")
CARRIED = [
    "",
    "Ann",
    "Änn",
    "A\u00a0B",
    "A\u200bB",
    "A\u3000B",
    "A\u2009B",
    "A\u202eB",
    "\U0001f4de",
]
REFUSED = [
    "a\r\nVia: b",
    "a\nb",
    "a\rb",
    "a\0b",
    "a\tb",
    "a\x7fb",
    "a\x85b",
    "a\u2028b",
    "a\u2029b",
]


@pytest.mark.parametrize("text", CARRIED)
def test_one_line(text: str) -> None:
    assert is_one_line(text)
    apply(replace(RULE, tran_from_display=text), URI)


@pytest.mark.parametrize("text", REFUSED)
def test_more_than_a_line(text: str) -> None:
    assert not is_one_line(text)
    with pytest.raises(TranslationError, match="line ends or control characters"):
        apply(replace(RULE, tran_from_display=text), URI)


@pytest.mark.parametrize("name", sorted(PROTECTED_HEADERS))
def test_what_belongs_to_the_protocol_no_rule_writes(name: str) -> None:
    with pytest.raises(TranslationError, match="may not add"):
        apply(replace(RULE, tran_add_header=f"{name.title()}: 1".encode()), URI)
    with pytest.raises(TranslationError, match="may not remove"):
        apply(replace(RULE, tran_remove_header=name.upper().encode()), URI)
