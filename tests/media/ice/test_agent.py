"""The ICE-lite agent: each row of its table, restart, consent, media before nomination."""

from __future__ import annotations

import pytest

from media.ice import Agent, Credentials, stun
from media.ice.stun import Message

LOCAL = Credentials(b"ours", b"our-password-our-password")
BROWSER = ("192.0.2.7", 40000)
OTHER = ("192.0.2.8", 40001)
ID = b"0123456789ab"
USER = (stun.USERNAME, b"ours:theirs")
CONTROLLING = (stun.ICE_CONTROLLING, bytes(8))
NOMINATE = (stun.USE_CANDIDATE, b"")


def check(*attributes: tuple[int, bytes], key: bytes | None = LOCAL.password) -> bytes:
    message = Message(stun.BINDING_REQUEST, ID, (USER, CONTROLLING, *attributes))
    return stun.serialise(message, key=key)


@pytest.fixture
def agent() -> Agent:
    return Agent(LOCAL)


def test_good_check_is_answered_with_where_it_came_from(agent: Agent) -> None:
    checked = agent.receive(check(), BROWSER, 1, now=0.0)
    assert checked.reply is not None
    assert not checked.is_new_selection
    answer = stun.parse(checked.reply)
    assert answer.kind == stun.BINDING_SUCCESS
    assert answer.transaction_id == ID
    assert stun.has_integrity(checked.reply, answer, LOCAL.password)
    mapped = answer.get(stun.XOR_MAPPED_ADDRESS)
    assert mapped is not None
    assert stun.parse_xor_address(mapped, ID) == BROWSER


def test_nomination_selects_and_the_latest_counts(agent: Agent) -> None:
    assert agent.receive(check(NOMINATE), BROWSER, 1, now=0.0).is_new_selection
    assert not agent.receive(check(NOMINATE), BROWSER, 1, now=1.0).is_new_selection
    assert agent.components[1].selected == BROWSER
    assert agent.components[2].selected is None
    assert agent.receive(check(NOMINATE), OTHER, 1, now=2.0).is_new_selection
    assert agent.components[1].selected == OTHER


def _without_fingerprint(datagram: bytes) -> bytes:
    """Its last attribute gone; integrity, which covers a length without that, is still right."""
    length = int.from_bytes(datagram[2:4], "big") - 8
    return datagram[:2] + length.to_bytes(2, "big") + datagram[4:-8]


@pytest.mark.parametrize(
    ("datagram", "status"),
    [
        (check(key=b"wrong"), 401),
        (check(key=None), 400),
        (stun.serialise(Message(1, ID, (CONTROLLING,)), key=LOCAL.password), 400),
        (
            stun.serialise(Message(1, ID, ((stun.USERNAME, b"x:y"),)), key=LOCAL.password),
            401,
        ),
        (check((0x7FFF, b"")), 420),
        (
            stun.serialise(
                Message(1, ID, (USER, (stun.ICE_CONTROLLED, bytes(8)))), key=LOCAL.password
            ),
            487,
        ),
    ],
)
def test_refused(agent: Agent, datagram: bytes, status: int) -> None:
    checked = agent.receive(datagram, BROWSER, 1, now=0.0)
    assert checked.reply is not None
    answer = stun.parse(checked.reply)
    assert answer.kind == stun.BINDING_ERROR
    assert stun.status_of(answer.get(stun.ERROR_CODE) or b"") == status
    assert not agent.components[1].valid
    assert agent.refused == 1


@pytest.mark.parametrize(
    "datagram",
    [
        b"\x00\x01 rubbish that is long enough",
        stun.serialise(Message(stun.BINDING_INDICATION, ID, ())),
        stun.serialise(Message(stun.BINDING_SUCCESS, ID, (USER,)), key=LOCAL.password),
        check()[:-8],
        _without_fingerprint(check()),
    ],
)
def test_not_answered(agent: Agent, datagram: bytes) -> None:
    assert agent.receive(datagram, BROWSER, 1, now=0.0).reply is None


def test_restart_wants_the_new_password_and_keeps_the_pair(agent: Agent) -> None:
    agent.receive(check(NOMINATE), BROWSER, 1, now=0.0)
    agent.restart(Credentials(b"ours", b"another"))
    assert agent.components[1].selected == BROWSER
    assert not agent.receive(check(NOMINATE), OTHER, 1, now=1.0).is_new_selection
    assert agent.receive(check(NOMINATE, key=b"another"), OTHER, 1, now=1.0).is_new_selection


def test_consent_ends_thirty_seconds_after_the_last_check(agent: Agent) -> None:
    agent.receive(check(NOMINATE), BROWSER, 1, now=0.0)
    agent.receive(check(), BROWSER, 1, now=20.0)
    assert not agent.expire(1, now=50.0)
    assert agent.expire(1, now=50.1)
    assert agent.components[1].selected is None
    assert not agent.expire(1, now=99.0)


def test_media_before_nomination_selects_a_checked_source(agent: Agent) -> None:
    assert not agent.hear(BROWSER, 1)
    agent.receive(check(), BROWSER, 1, now=0.0)
    assert agent.hear(BROWSER, 1)
    agent.receive(check(), OTHER, 1, now=0.0)
    assert not agent.hear(OTHER, 1)
    assert not agent.expire(1, now=30.0), "its check is its consent"
    assert agent.expire(1, now=30.1)


def test_valid_sources_are_bounded(agent: Agent) -> None:
    for number in range(200):
        agent.receive(check(), ("192.0.2.1", 1000 + number), 1, now=float(number))
    assert len(agent.components[1].valid) == 32
    assert ("192.0.2.1", 1199) in agent.components[1].valid
