"""Tokens: what is sealed comes out again, for whom it was sealed, and nothing else does."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.uri import SipUri, parse_uri
from proxy.transport.flow import Flow
from proxy.transport.flow_token import Kind, Side, Tokens, looks_like_token

KEY = bytes(range(32))
BOOT = b"boot"
CALL_ID = b"a84b4c76e66710@pc33.atlanta.com"
USER_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

UDP4 = Flow("udp", ("192.0.2.1", 5060), ("198.51.100.7", 40000))
UDP6 = Flow("udp", ("2001:db8::1", 5060), ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535))
TLS = Flow("tls", ("192.0.2.1", 5061), ("198.51.100.7", 40001), 4_294_967_295)


def tokens(key: bytes = KEY, boot: bytes = BOOT, *previous: bytes) -> Tokens:
    return Tokens(key, boot, previous)


def by_number(flow: Flow) -> Flow:
    """As a token has a connection: its number alone."""
    return Flow(flow.protocol, ("", 0), ("", 0), flow.connection_id)


ports = st.integers(0, 65535)
udp_flows = st.one_of(
    st.builds(
        lambda a, b, c, d: Flow("udp", (str(IPv4Address(a)), b), (str(IPv4Address(c)), d)),
        *(st.integers(0, 2**32 - 1), ports) * 2,
    ),
    st.builds(
        lambda a, b, c, d: Flow("udp", (str(IPv6Address(a)), b), (str(IPv6Address(c)), d)),
        *(st.integers(2**33, 2**128 - 1), ports) * 2,
    ),
)
connections = st.builds(
    lambda protocol, number: Flow(protocol, ("", 0), ("", 0), number),
    st.sampled_from(("tcp", "tls", "ws", "wss")),
    st.integers(1, 2**32 - 1),
)
sides = st.one_of(
    st.builds(
        Side,
        st.sampled_from(Kind),
        st.one_of(st.none(), udp_flows),
        st.binary(max_size=8),
        media=st.integers(0, 7),
    ),
    st.builds(
        Side,
        st.sampled_from(Kind),
        connections,
        st.binary(max_size=8),
        st.just(False),
        st.one_of(st.just(""), st.binary(min_size=12, max_size=12).map(bytes.hex)),
        st.integers(0, 7),
    ),
)


@given(sides, st.binary(max_size=80))
def test_round_trip(side: Side, bound_to: bytes) -> None:
    token = tokens().seal(side, bound_to)
    assert set(token) <= set(USER_CHARACTERS)
    assert looks_like_token(token)
    assert tokens().open(token, bound_to) == side


@pytest.mark.parametrize(
    ("flow", "longest"), [(None, 50), (UDP4, 50), (TLS, 50), (UDP6, 70)], ids=str
)
def test_length(flow: Flow | None, longest: int) -> None:
    binding_id = "c0ffee" * 4 if flow is TLS else ""
    side = Side(Kind.CALLEE, flow, b"abc", False, binding_id)
    assert len(tokens().seal(side, CALL_ID)) <= longest


def test_is_a_user_part() -> None:
    token = tokens().seal(Side(Kind.CALLEE, UDP6, b"\xff" * 3), CALL_ID)
    uri = parse_uri(b"sip:" + token + b"@192.0.2.1;lr")
    assert isinstance(uri, SipUri)
    assert uri.user == token


def test_opens_nothing_for_another_dialog() -> None:
    token = tokens().seal(Side(Kind.CALLER, UDP4), CALL_ID)
    assert tokens().open(token, CALL_ID + b"x") is None
    assert tokens().open(token, b"") is None


def test_part_of_the_token_cannot_pass_to_what_it_is_bound_to() -> None:
    """The seal covers both in a row, and where the one ends and the other begins."""
    with_relay = tokens().seal(Side(Kind.CALLER, None, b"\x07"), b"call")
    data = urlsafe_b64decode(with_relay + b"=" * (-len(with_relay) % 4))
    shortened = data[:3] + data[4:]
    assert tokens().open(urlsafe_b64encode(shortened).rstrip(b"="), b"\x07call") is None


def test_key_of_another_cluster_opens_nothing() -> None:
    token = tokens().seal(Side(Kind.CALLER, UDP4), CALL_ID)
    assert tokens(bytes(32)).open(token, CALL_ID) is None


def test_key_that_was_changed_opens_as_long_as_it_is_named() -> None:
    token = tokens(bytes(32)).seal(Side(Kind.CALLER, UDP4), CALL_ID)
    assert tokens(KEY, BOOT, b"\1" * 32, bytes(32)).open(token, CALL_ID) == Side(Kind.CALLER, UDP4)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_change_is_noticed(at: int, difference: int) -> None:
    token = tokens().seal(Side(Kind.BINDING, UDP4, b"r"), CALL_ID)
    data = bytearray(urlsafe_b64decode(token + b"=" * (-len(token) % 4)))
    data[at % len(data)] ^= difference
    assert tokens().open(urlsafe_b64encode(bytes(data)).rstrip(b"="), CALL_ID) is None


@given(st.binary(max_size=140))
def test_any_bytes_open_nothing(token: bytes) -> None:
    assert tokens().open(token, CALL_ID) is None
    looks_like_token(token)


@given(st.text(USER_CHARACTERS.decode(), max_size=140))
def test_any_user_part_opens_nothing(user: str) -> None:
    assert tokens().open(user.encode(), CALL_ID) is None


def test_connection_of_an_earlier_life_is_dead() -> None:
    token = tokens(boot=b"past").seal(Side(Kind.CALLEE, TLS, b"r"), CALL_ID)
    assert tokens().open(token, CALL_ID) == Side(Kind.CALLEE, by_number(TLS), b"r", is_dead=True)


def test_udp_flow_outlives_us() -> None:
    token = tokens(boot=b"past").seal(Side(Kind.CALLEE, UDP4), CALL_ID)
    assert tokens().open(token, CALL_ID) == Side(Kind.CALLEE, UDP4)


def test_kinds_differ() -> None:
    opened = {
        kind: tokens().open(tokens().seal(Side(kind, UDP4), CALL_ID), CALL_ID) for kind in Kind
    }
    assert {kind: side.kind for kind, side in opened.items() if side} == {k: k for k in Kind}


def test_same_flow_is_opened_as_the_same_side() -> None:
    ours = tokens()
    side = Side(Kind.BINDING, UDP4)
    one, two = (ours.open(ours.seal(side, aor), aor) for aor in (b"a@x", b"b@x"))
    assert one is two


@pytest.mark.parametrize(
    "user", [None, b"", b"alice", b"+18005551212", b"a" * 121, b"bob smith@x!"]
)
def test_what_is_no_token(user: bytes | None) -> None:
    assert not looks_like_token(user)


def test_dead_is_no_part_of_the_seal() -> None:
    side = Side(Kind.CALLER, by_number(TLS))
    sealed = tokens().seal(replace(side, is_dead=True), CALL_ID)
    assert tokens().open(sealed, CALL_ID) == side
