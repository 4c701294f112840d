"""The self-signed certificate: for all our names, private, renewed in time."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509

from fedsip_platform.launch import addresses, certificate
from fedsip_platform.launch.state import StateFolder

TODAY = datetime(2026, 11, 23, tzinfo=UTC)
NAMES = ["sip.example.com", "localhost", "127.0.0.1", "::1"]


def _alternatives(state: StateFolder) -> x509.SubjectAlternativeName:
    held = x509.load_pem_x509_certificate((state.tls / "cert.pem").read_bytes())
    return held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_it_serves_names_and_addresses(state: StateFolder) -> None:
    certificate.ensure(state, NAMES, today=TODAY)
    found = _alternatives(state)
    assert found.get_values_for_type(x509.DNSName) == ["sip.example.com", "localhost"]
    addresses = [ip_address("127.0.0.1"), ip_address("::1")]
    assert found.get_values_for_type(x509.IPAddress) == addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip.example.com", True),
        ("my_host", True),
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("", False),
        ("ü", False),
        ("a b", False),
        ("a..b", False),
        ("-a", False),
        ("a" * 64, False),
        ("a\n", False),
    ],
)
def test_names_that_no_certificate_can_hold_are_left_out(text: str, expected: bool) -> None:
    assert addresses.is_host(text) is expected


@pytest.mark.parametrize("name", ["a" * 64, "a..b", "host"])
def test_a_machine_may_have_any_name(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: name)
    assert addresses.host_name().startswith(name)


def test_the_key_is_private(state: StateFolder) -> None:
    _, key = certificate.ensure(state, NAMES, today=TODAY)
    assert key.stat().st_mode & 0o777 == 0o600


def test_it_is_kept_over_a_restart_and_a_new_address(state: StateFolder) -> None:
    path, _ = certificate.ensure(state, NAMES, today=TODAY)
    first = path.read_bytes()
    certificate.ensure(state, [*NAMES, "192.0.2.9"], today=TODAY)
    assert path.read_bytes() == first


def test_a_new_name_or_the_coming_end_makes_a_new_one(state: StateFolder) -> None:
    path, _ = certificate.ensure(state, NAMES, today=TODAY)
    first = path.read_bytes()
    certificate.ensure(state, ["new.example.com", *NAMES], today=TODAY)
    second = path.read_bytes()
    assert second != first
    end = TODAY + certificate.LIFETIME
    certificate.ensure(state, NAMES, today=end - timedelta(days=1))
    assert path.read_bytes() != second
