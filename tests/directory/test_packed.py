"""Every subscriber comes out as it was put in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.directory.model import Subscriber
from proxy.directory.packed import nobody, pack, subscriber_id_of, unpack
from proxy.sip.uri import Aor

ids = st.integers(0, 2**63 - 1)
limits = st.none() | st.integers(0, 2**31 - 1)

subscribers = st.builds(
    Subscriber,
    subscriber_id=ids,
    domain_id=ids,
    aor=st.binary(max_size=60).map(lambda user: Aor(user + b"@example.com")),
    username=st.binary(max_size=60),
    ha1_md5=st.binary(min_size=16, max_size=16).map(lambda raw: raw.hex().encode()),
    ha1_sha256=st.sampled_from([b"", b"5a" * 32]),
    enabled=st.booleans(),
    display_name=st.text(max_size=60),
    max_contacts=limits,
    max_calls=limits,
    media_policy=st.sampled_from(["", "always", "auto", "never"]),
    srtp=st.sampled_from(["", "off", "offered", "required", "dtls"]),
    codecs=st.binary(max_size=200),
)


@given(subscribers)
def test_as_it_was(subscriber: Subscriber) -> None:
    packed = pack(subscriber)
    if subscriber.username:
        assert unpack(subscriber.aor, packed) == subscriber
    assert subscriber_id_of(packed) == subscriber.subscriber_id


def test_the_usual_username_takes_no_room() -> None:
    aor = Aor(b"alice@example.com")
    usual = Subscriber(1, 2, aor, b"alice", b"00" * 16, b"00" * 32)
    other = Subscriber(1, 2, aor, b"alicia", b"00" * 16, b"00" * 32)
    assert len(pack(other)) - len(pack(usual)) == 6
    assert unpack(aor, pack(usual)) == usual


def test_a_hash_that_is_none_lets_nobody_in() -> None:
    aor = Aor(b"alice@example.com")
    odd = Subscriber(1, 2, aor, b"alice", b"not hexadecimal", b"")
    assert unpack(aor, pack(odd)).ha1_md5 == b""


@given(st.binary(max_size=60).map(lambda user: Aor(user + b"@example.com")))
def test_nobody_is_let_in(aor: Aor) -> None:
    found = nobody(aor)
    assert found.aor == aor
    assert found.username == aor.removesuffix(b"@example.com")
    assert not found.enabled
