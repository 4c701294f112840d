"""baresip phones that encrypt by SDES and by DTLS-SRTP, and plain ones: sound both ways.

Whether media is encrypted is told by the relay, which sees each side's keys: baresip without its
srtp module would silently speak plain RTP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from media.ng import Query
from tests.e2e.test_baresip_calls import hears
from tests.harness.baresip import Baresip
from tests.harness.ng import NgClient
from tests.harness.platform import Platform
from tests.harness.sipp import Party

pytestmark = pytest.mark.e2e

Phone = Callable[..., Baresip]
REQUIRED, OFFERED = "srtp-required.test", "srtp-offered.test"


@pytest.fixture(scope="module")
def secure(platform: Platform) -> Platform:
    """The platform with a domain for each policy."""
    platform.add_domain(REQUIRED, "media_policy=always", "srtp=required")
    platform.add_domain(OFFERED, "media_policy=always", "srtp=offered")
    return platform


def call(caller: Baresip, callee: Baresip) -> str:
    """A call with sound both ways; its Call-ID."""
    caller.dials(callee.account.aor)
    callee.accepts()
    caller.established()
    callee.established()
    hears(callee, caller)
    hears(caller, callee)
    return callee.call_id()


def protocols(platform: Platform, call_id: str) -> list[str]:
    """What the relay speaks with the caller and with the callee, and how it is encrypted."""
    with NgClient(platform.ng_port) as relay:
        answer: Any = relay.accepted(Query(call_id.encode()))
    assert answer[b"verdict"] == []
    return [
        " ".join(
            word.decode()
            for word in (
                media[b"protocol"],
                *(flag for flag in media[b"flags"] if flag in (b"SDES", b"DTLS-SRTP")),
            )
        )
        for side in answer[b"tags"].values()
        for media in side[b"medias"]
    ]


@pytest.mark.parametrize(
    ("encryption", "spoken"),
    [
        ("srtp", "RTP/AVP SDES"),
        ("srtp-mand", "RTP/SAVP SDES"),
        ("dtls_srtp", "UDP/TLS/RTP/SAVPF DTLS-SRTP"),
    ],
)
def test_encrypting_caller_and_plain_callee(
    platform: Platform,
    users: Callable[[str], Party],
    baresip: Phone,
    encryption: str,
    spoken: str,
) -> None:
    alice = baresip(users("alice"), "tls", extra=f";mediaenc={encryption}")
    bob = baresip(users("bob"))
    call_id = call(alice, bob)
    assert sorted(protocols(platform, call_id)) == sorted([spoken, "RTP/AVP"])
    alice.command("hangup")
    bob.closed()


@pytest.mark.parametrize("caller", ["srtp-mand", "dtls_srtp"])
def test_both_encrypt_where_the_domain_requires_it(
    secure: Platform, baresip: Phone, caller: str
) -> None:
    alice, bob = (secure.add_user(name + caller[:4], REQUIRED) for name in ("alice", "bob"))
    one = baresip(alice, "tls", extra=f";mediaenc={caller}")
    other = baresip(bob, extra=";mediaenc=srtp-mand")
    call_id = call(one, other)
    spoken = protocols(secure, call_id)
    assert "RTP/SAVP SDES" in spoken
    assert not [one for one in spoken if "SRTP" not in one and "SDES" not in one]
    other.command("hangup")
    one.closed()


def test_plain_caller_is_refused_where_the_domain_requires_it(
    secure: Platform, baresip: Phone
) -> None:
    alice, bob = (secure.add_user(name + "p", REQUIRED) for name in ("alice", "bob"))
    one, other = baresip(alice), baresip(bob, extra=";mediaenc=srtp-mand")
    one.dials(other.account.aor)
    assert "488" in one.closed()


def test_plain_phones_still_talk_where_it_is_only_offered(secure: Platform, baresip: Phone) -> None:
    alice, bob = (secure.add_user(name + "o", OFFERED) for name in ("alice", "bob"))
    call_id = call(baresip(alice), baresip(bob))
    assert protocols(secure, call_id) == ["RTP/AVP", "RTP/AVP"]


def test_phones_encrypt_by_themselves_where_it_is_offered(secure: Platform, baresip: Phone) -> None:
    alice, bob = (secure.add_user(name + "s", OFFERED) for name in ("alice", "bob"))
    one, other = (baresip(party, extra=";mediaenc=srtp") for party in (alice, bob))
    assert protocols(secure, call(one, other)) == ["RTP/AVP SDES", "RTP/AVP SDES"]


@pytest.mark.parametrize(
    ("speaks", "spoken"),
    [("srtp-mand", "RTP/SAVP SDES"), ("dtls_srtp", "RTP/SAVP DTLS-SRTP")],
)
def test_a_phone_that_takes_nothing_plain_is_called_without_a_policy_for_it(
    secure: Platform, baresip: Phone, speaks: str, spoken: str
) -> None:
    """It refuses the offer of RTP/AVP, and is offered what it takes; also from a hold on."""
    alice, bob = (secure.add_user(name + speaks[:4], OFFERED) for name in ("alice", "bob"))
    one, other = baresip(alice), baresip(bob, "tls", extra=f";mediaenc={speaks}")
    call_id = call(one, other)
    assert sorted(protocols(secure, call_id)) == ["RTP/AVP", spoken]
    one.command("hold")
    other.program.awaits(r"^a=sendonly")
    one.command("resume")
    hears(other, one)
    hears(one, other)
    assert sorted(protocols(secure, call_id)) == ["RTP/AVP", spoken]
    other.command("hangup")
    one.closed()
