"""Carriers that ask by digest who calls: they are told the account, and the caller nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.directory import carrier_secret
from proxy.directory.model import Gateway, OutboundPolicy, Translation, Trunk
from proxy.sip import digest
from proxy.sip.digest import NonceCounts, Verdict
from proxy.sip.fields import parse_credentials
from proxy.sip.message import Request, Response
from proxy.sip.uri import Aor
from tests.harness.builders import Dialog, cancel_of
from tests.routing.world import CLUSTER_KEY, EXAMPLE, UserAgent, World

ALICE = Aor(b"alice@example.com")
RULE = Translation(5, 1, b"example.com", match_regex=r"^\+", tran_strip=1, tran_trunk=b"carrier")
SEALED = carrier_secret.seal('pass "word"', CLUSTER_KEY)
TRUNK = Trunk(1, 1, b"carrier", account=b"acme-4711", sealed_password=SEALED)
GATEWAY = Gateway(1, 1, b"sbc.carrier.example")
NUMBER = b"sip:+15551234567@example.com"
FIELDS = {
    401: (b"www-authenticate", b"authorization"),
    407: (b"proxy-authenticate", b"proxy-authorization"),
}


class Carrier:
    """A gateway that asks who calls, and looks at the answer as our own registrar would."""

    def __init__(self, world: World, status: int = 407, password: bytes = b'pass "word"') -> None:
        self.agent = world.far(b"sbc.carrier.example", "192.0.2.91")
        self.asks, self.answers = FIELDS[status]
        self.status, self.password = status, password
        self.algorithms: tuple[bytes, ...] = (digest.MD5,)
        self.secret, self.wall, self.serial = b"c" * 32, 1000.0, 0
        self.replay = NonceCounts()

    def challenge(self, to: Request, *, stale: bool = False) -> Response:
        self.serial += 1
        values = digest.make_challenge(
            b"carrier.example", self.secret, wall=self.wall, unique=b"%d" % self.serial,
            algorithms=self.algorithms, stale=stale,
        )  # fmt: skip
        extra = tuple((self.asks, value) for value in values)
        return self.agent.answers(to, self.status, extra=extra)

    def verdict(self, request: Request) -> Verdict:
        """What it thinks of a request's credentials."""
        (value,) = request.headers.all(self.answers)
        credentials = parse_credentials(value)
        assert credentials.params[b"username"] == b"acme-4711"
        assert credentials.params[b"uri"] == request.uri_raw
        return digest.verify(
            credentials, request.method, request.uri_raw,
            lambda algorithm: digest.ha1(
                b"acme-4711", b"carrier.example", self.password, algorithm
            ),
            self.secret, wall=self.wall, replay=self.replay, body=request.body,
        )  # fmt: skip

    def invited(self) -> Request:
        return self.agent.take_request(b"INVITE")

    def asked_again(self, first: Request) -> Request:
        """The request that answers its challenge to one."""
        self.challenge(first)
        if first.method == b"INVITE":
            self.agent.take_request(b"ACK")
        return self.agent.take_request(first.method)


def with_account(trunk: Trunk = TRUNK) -> World:
    world = World()
    world.add_rules(EXAMPLE, RULE)
    world.add_routes(trunk, GATEWAY)
    return world


def calling(world: World) -> tuple[UserAgent, Request]:
    alice = world.phone(ALICE, "192.0.2.10")
    return alice, alice.invites(NUMBER)


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize(
    "algorithms", [(digest.MD5,), (digest.SHA256,), (digest.SHA256, digest.MD5)]
)
def test_a_challenge_is_answered(status: int, algorithms: tuple[bytes, ...]) -> None:
    world = with_account()
    carrier = Carrier(world, status)
    carrier.algorithms = algorithms
    alice, invite = calling(world)
    first = carrier.invited()
    assert not first.headers.has(carrier.answers)
    again = carrier.asked_again(first)
    assert carrier.verdict(again) is Verdict.OK
    assert again.cseq.number == first.cseq.number + 1
    assert again.via.param(b"branch") != first.via.param(b"branch")
    assert (again.call_id, again.from_tag) == (first.call_id, first.from_tag)
    carrier.agent.answers(again, 180)
    assert alice.take_response(180).cseq == invite.cseq
    carrier.agent.answers(again, 200)
    assert alice.take_response(200).cseq == invite.cseq


def test_what_follows_in_the_dialog_stays_ahead() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, invite = calling(world)
    again = carrier.asked_again(carrier.invited())
    ok = carrier.agent.answers(again, 200)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    alice.send(dialog.request(b"ACK", via=alice.via))
    assert carrier.agent.take_request(b"ACK").cseq.number == again.cseq.number
    update = dialog.request(b"UPDATE", via=alice.via)
    alice.send(update)
    came = carrier.agent.take_request(b"UPDATE")
    assert came.cseq.number == again.cseq.number + 1
    assert carrier.verdict(came) is Verdict.OK  # of the same challenge, unasked
    carrier.agent.answers(came, 200)
    assert alice.take_response(200).cseq == update.cseq
    theirs = Dialog(again, ok, is_caller=False).request(b"BYE", via=carrier.agent.via)
    carrier.agent.send(theirs)
    assert alice.take_request(b"BYE").cseq == theirs.cseq


def test_a_provisional_response_is_acknowledged_by_its_number_there() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, invite = calling(world)
    again = carrier.asked_again(carrier.invited())
    carrier.agent.answers(again, 183, extra=((b"require", b"100rel"), (b"rseq", b"7")))
    dialog = Dialog(invite, alice.take_response(183), is_caller=True)
    prack = dialog.request(b"PRACK", via=alice.via)
    prack.headers.append(b"rack", b"7 %d INVITE" % invite.cseq.number)
    alice.send(prack)
    came = carrier.agent.take_request(b"PRACK")
    assert came.headers.first(b"rack") == b"7 %d INVITE" % again.cseq.number
    assert came.cseq.number == prack.cseq.number + 1


def test_a_request_in_the_dialog_that_is_asked_again() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, invite = calling(world)
    again = carrier.asked_again(carrier.invited())
    carrier.agent.answers(again, 200)
    dialog = Dialog(invite, alice.take_response(200), is_caller=True)
    numbers = [again.cseq.number]
    for _ in range(2):
        carrier.wall += 2 * digest.NONCE_SECONDS
        update = dialog.request(b"UPDATE", via=alice.via)
        alice.send(update)
        first = carrier.agent.take_request(b"UPDATE")
        assert carrier.verdict(first) is Verdict.STALE
        answered = carrier.asked_again(first)
        assert carrier.verdict(answered) is Verdict.OK
        carrier.agent.answers(answered, 200)
        assert alice.take_response(200).cseq == update.cseq
        numbers += [first.cseq.number, answered.cseq.number]
    assert numbers == sorted(set(numbers))  # each above the one before, as s12.2.2 wants it


def test_the_next_call_is_not_asked() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, _ = calling(world)
    carrier.agent.answers(carrier.asked_again(carrier.invited()), 486)
    alice.take_response(486)
    carrier.agent.take_request(b"ACK")
    second = alice.invites(NUMBER)
    came = carrier.invited()
    assert carrier.verdict(came) is Verdict.OK
    assert came.cseq.number == second.cseq.number


def test_a_nonce_that_is_too_old_is_replaced_once() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, _ = calling(world)
    second = carrier.asked_again(carrier.invited())
    carrier.challenge(second, stale=True)
    carrier.agent.take_request(b"ACK")
    third = carrier.invited()
    assert carrier.verdict(third) is Verdict.OK
    carrier.challenge(third, stale=True)
    alice.take_response(502)
    carrier.agent.take_request(b"ACK")
    carrier.agent.take_nothing()


def test_a_carrier_that_refuses_the_account() -> None:
    """The caller hears of it, and gets no challenge for his own password."""
    world = with_account()
    carrier = Carrier(world, password=b"another")
    alice, _ = calling(world)
    again = carrier.asked_again(carrier.invited())
    assert carrier.verdict(again) is Verdict.WRONG
    carrier.challenge(again)
    refused = alice.take_response(502)
    assert refused.reason == b"Carrier Refuses Our Account"
    assert not refused.headers.has(b"proxy-authenticate")
    carrier.agent.take_request(b"ACK")
    carrier.agent.take_nothing()


@pytest.mark.parametrize(
    "trunk",
    [
        replace(TRUNK, account=b"", sealed_password=""),
        replace(TRUNK, sealed_password=carrier_secret.seal("x", b"o" * 32)),
    ],
)
def test_a_trunk_that_has_nothing_to_say(trunk: Trunk) -> None:
    world = with_account(trunk)
    carrier = Carrier(world)
    alice, _ = calling(world)
    carrier.challenge(carrier.invited())
    refused = alice.take_response(502)
    assert not refused.headers.has(b"proxy-authenticate")


@pytest.mark.parametrize(
    "asks",
    [
        b'Digest realm="r", nonce="n", algorithm=AKAv1-MD5',
        b'Digest realm="r"',
        b'Digest realm="r", nonce="n", qop="sess"',
        b'Basic realm="r"',
        b"rubbish",
    ],
)
def test_a_challenge_that_nobody_can_answer(asks: bytes) -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, _ = calling(world)
    carrier.agent.answers(carrier.invited(), 407, extra=((b"proxy-authenticate", asks),))
    alice.take_response(502)


@pytest.mark.parametrize("qop", [b"", b', qop="auth"', b', qop="auth-int"', b', qop="x, auth"'])
def test_each_way_of_asking(qop: bytes) -> None:
    world = with_account()
    carrier = Carrier(world)
    calling(world)
    carrier.agent.answers(
        carrier.invited(),
        407,
        extra=((b"proxy-authenticate", b'Digest realm="r", nonce="n", opaque="o"' + qop),),
    )
    carrier.agent.take_request(b"ACK")
    again = carrier.invited()
    (value,) = again.headers.all(b"proxy-authorization")
    params = parse_credentials(value).params
    chosen = params.get(b"qop")
    assert chosen == {b"": None, b', qop="auth-int"': b"auth-int"}.get(qop, b"auth")
    assert (params[b"opaque"], params.get(b"nc")) == (b"o", b"00000001" if qop else None)
    assert params[b"response"] == digest.digest_response(
        digest.ha1(b"acme-4711", b"r", b'pass "word"'), b"INVITE", again.uri_raw, b"n",
        qop=chosen, nc=params.get(b"nc", b""), cnonce=params.get(b"cnonce", b""), body=again.body,
    )  # fmt: skip


def test_a_callers_own_credentials_do_not_get_there() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice = world.phone(ALICE, "192.0.2.10")
    theirs = (b"authorization", b'Digest username="alice", realm="carrier.example", nonce="n"')
    alice.invites(NUMBER, extra=(theirs,))
    assert not carrier.invited().headers.has(b"authorization")


def test_a_shown_caller_and_an_account_in_one_dialog() -> None:
    world = with_account()
    world.add_routes(OutboundPolicy(1, 1, ALICE, b"+15550000000", "", ("international", "other")))
    carrier = Carrier(world)
    alice, invite = calling(world)
    again = carrier.asked_again(carrier.invited())
    carrier.agent.answers(again, 200)
    answered = alice.take_response(200)
    assert answered.headers.first(b"from") == invite.headers.first(b"from")
    bye = Dialog(invite, answered, is_caller=True).request(b"BYE", via=alice.via)
    alice.send(bye)
    came = carrier.agent.take_request(b"BYE")
    assert came.from_.uri.serialise() == b"sip:+15550000000@example.com"
    assert came.cseq.number == bye.cseq.number + 1
    assert carrier.verdict(came) is Verdict.OK


def test_cancelled_after_the_answer_to_a_challenge() -> None:
    world = with_account()
    carrier = Carrier(world)
    alice, invite = calling(world)
    again = carrier.asked_again(carrier.invited())
    carrier.agent.answers(again, 180)
    alice.take_response(180)
    alice.send(cancel_of(invite))
    alice.take_response(200)
    cancel = carrier.agent.take_request(b"CANCEL")
    assert cancel.cseq.number == again.cseq.number
    assert cancel.via.param(b"branch") == again.via.param(b"branch")
    carrier.agent.answers(again, 487)
    assert alice.take_response(487).cseq == invite.cseq
