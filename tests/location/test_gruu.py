"""GRUUs: what is open names its instance, what is temporary hides it and opens only for us."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.location.gruu import PREFIX, UNIQUE_SIZE, TemporaryGruus, public_gruu
from proxy.sip.uri import Aor, SipUri, parse_uri, unescape
from tests.harness.registrations import ALICE, binding

GRUUS = TemporaryGruus(b"k" * 32)
BOUND = binding(instance=b"urn:uuid:0001")


def user_of(gruu: bytes | None) -> bytes:
    assert gruu is not None
    uri = parse_uri(gruu)
    assert isinstance(uri, SipUri)
    assert uri.has_param(b"gr")
    return uri.user or b""


@pytest.mark.parametrize(
    ("aor", "instance", "gruu"),
    [
        (b"alice@example.com", b"urn:uuid:0001", b"sip:alice@example.com;gr=urn:uuid:0001"),
        (b"a b@example.com", b'"<x;y>', b"sip:a%20b@example.com;gr=%22%3cx%3by%3e"),
        (b"\xc3\xa9@example.com", b"\xc3\xa9", b"sip:%c3%a9@example.com;gr=%c3%a9"),
    ],
)
def test_public(aor: bytes, instance: bytes, gruu: bytes) -> None:
    assert public_gruu(Aor(aor), instance) == gruu
    uri = parse_uri(gruu)
    assert isinstance(uri, SipUri)
    assert unescape(uri.param(b"gr") or b"") == instance
    assert uri.aor() == aor


def test_a_temporary_one_names_its_binding() -> None:
    opened = GRUUS.open(user_of(GRUUS.make(BOUND, b"u" * UNIQUE_SIZE)))
    assert opened is not None
    assert opened.aor == ALICE
    assert opened.names(BOUND)
    assert opened.names(replace(BOUND, contact=b"sip:elsewhere"))
    assert not opened.names(replace(BOUND, instance=b"urn:uuid:0002"))
    assert not opened.names(replace(BOUND, instance=None))
    assert not opened.names(replace(BOUND, call_id=b"registered anew"))
    assert not opened.names(replace(BOUND, aor=Aor(b"bob@example.com")))


def test_without_an_instance_there_is_none() -> None:
    assert GRUUS.make(binding(), b"u" * UNIQUE_SIZE) is None


def test_it_hides_who_it_is() -> None:
    made = {GRUUS.make(BOUND, bytes([number]) * UNIQUE_SIZE) for number in range(20)}
    assert len(made) == 20
    assert not any(b"alice" in (gruu or b"") for gruu in made)


def test_every_node_opens_it_and_nobody_else() -> None:
    user = user_of(GRUUS.make(BOUND, b"u" * UNIQUE_SIZE))
    assert TemporaryGruus(b"k" * 32).open(user) == GRUUS.open(user)
    assert TemporaryGruus(b"x" * 32).open(user) is None


def test_a_changed_one_is_none() -> None:
    user = user_of(GRUUS.make(BOUND, b"u" * UNIQUE_SIZE))
    for at in range(len(PREFIX), len(user)):
        other = b"A" if user[at : at + 1] != b"A" else b"B"
        changed = GRUUS.open(user[:at] + other + user[at + 1 :])
        # The last character of base64 may have bits that nobody reads.
        assert changed is None or (at == len(user) - 1 and changed == GRUUS.open(user))


@given(st.binary(max_size=80))
def test_rubbish_is_none(rubbish: bytes) -> None:
    assert GRUUS.open(PREFIX + rubbish) is None
    assert GRUUS.open(rubbish) is None


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=UNIQUE_SIZE, max_size=UNIQUE_SIZE))
def test_any_address(user: bytes, unique: bytes) -> None:
    bound = replace(BOUND, aor=Aor(user + b"@example.com"))
    opened = GRUUS.open(user_of(GRUUS.make(bound, unique)))
    assert opened is not None
    assert opened.names(bound)
