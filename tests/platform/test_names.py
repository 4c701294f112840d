"""Normal forms and refusals of what people type."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from fedsip_platform.directory import names, patterns


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("example.com", "example.com"),
        (" Example.COM. ", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("localhost", "localhost"),
        ("192.0.2.1", "192.0.2.1"),
        ("1.example", "1.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_domain_normal_form(typed: str, kept: str) -> None:
    assert names.normal_domain(typed) == kept
    assert names.normal_domain(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", ".", "..", "a..b", ".a", "-a.example", "a-.example", "a_b.example", "a b"),
        *("a@b", "sip:a.example", "a.example:5060", "[::1]", "::1", "192.0.2.256", "1.2.3", "a.1"),
        *("a" * 64 + ".example", ".".join(["a" * 60] * 5), "a\0b", "a\nb", "\ud800", "a/b", "*.a"),
        *("xn--a.example", "a%b", "ab--cd.example", "\u200b", "(a)", "a,b"),
    ],
)
def test_domain_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        names.normal_domain(typed)


@given(st.text())
def test_domain_refuses_or_has_a_fixed_point(typed: str) -> None:
    try:
        kept = names.normal_domain(typed)
    except ValidationError:
        return
    assert names.normal_domain(kept) == kept
    assert kept.isascii()
    assert kept == kept.lower()


@pytest.mark.parametrize("text", ["alice", "1000", "+15551212", "a.b-c_d", "~!*'()&=+$,;?/"])
def test_username_accepted(text: str) -> None:
    names.check_username(text)


@pytest.mark.parametrize("text", ["", "a b", "a@b", "a:b", "a%41", 'a"', "a\\b", "ü", "a\r\n", "#"])
def test_username_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        names.check_username(text)


@pytest.mark.parametrize("line", ["X-A: b", "X-A:b", "X-Account : 42", "Subject: ünïcode"])
def test_header_line_accepted(line: str) -> None:
    names.check_header_line(line)


@pytest.mark.parametrize(
    "line",
    [
        *("", "X-A", ": b", "X-A:", "X-A: ", "X A: b", "X-A: b\r\nVia: c", "X-A: b\nc", "X-A: \0"),
        *("Via: x", "via : x", "V: x", "From: x", "f: x", "Route: x", "Content-Length: 0", "l: 0"),
        *("X-A: b\u2028c", "X-A: b\x85c", "X-\u00e9: b"),
    ],
)
def test_header_line_refused(line: str) -> None:
    with pytest.raises(ValidationError):
        names.check_header_line(line)


@pytest.mark.parametrize(
    ("host", "is_fine"),
    [
        *(("example.com", True), ("192.0.2.1", True), ("[2001:db8::1]", True)),
        *(("[::g]", False), ("[192.0.2.1]", False), ("2001:db8::1", False), ("A.example", False)),
    ],
)
def test_host(host: str, is_fine: bool) -> None:
    if is_fine:
        names.check_host(host)
    else:
        with pytest.raises(ValidationError):
            names.check_host(host)


@pytest.mark.parametrize(
    ("template", "pattern", "is_fine"),
    [
        *(("eric", "", True), (r"\1", "^(1)$", True), (r"00\1", "^(1)$", True)),
        *((r"\0", "^1$", True), (r"\1", "^1$", False), (r"\1", "", False), (r"\0", "", False)),
        *(("a b", "", False), (r"a\b", "", False), ("a\\", "", False), (r"\1@x", "(1)", False)),
    ],
)
def test_user_template(template: str, pattern: str, is_fine: bool) -> None:
    assert (patterns.user_template_problem(template, pattern) is None) is is_fine


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{1001}", "[", "*", "\ud800"])
def test_pattern_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="does not work"):
        patterns.check_pattern(pattern)
