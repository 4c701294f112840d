"""Which commands the relay gets in each exchange of offer and answer, and how sessions end."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from media.ng import Answer, Delete, Offer
from proxy.directory.model import Domain, Forward
from proxy.sip.message import Request, Response
from proxy.sip.uri import Aor, parse_uri
from tests.harness.builders import Dialog, ack_of, cancel_of, respond
from tests.routing.world import EXAMPLE, SDP, UserAgent, World, deletes, via_relay

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
BOB_AOR = Aor(BOB)
STRANGER = b"stranger@elsewhere.org"
ALWAYS = replace(EXAMPLE, media_policy="always")
ANSWER = SDP.replace(b"4000", b"5000")
PRACK = ((b"require", b"100rel"), (b"rseq", b"1"))


def world_of(domain: Domain = ALWAYS, **how: object) -> tuple[World, UserAgent, UserAgent]:
    """Alice, and Bob who is registered."""
    world = World(domain, **how)  # type: ignore[arg-type]
    return world, world.phone(ALICE, "192.0.2.10"), world.registered(BOB, "192.0.2.20")


async def call(world: World, alice: UserAgent, bob: UserAgent) -> tuple[Dialog, Dialog]:
    """An answered call; both dialogs."""
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200, body=ANSWER)
    await world.settled()
    ok = alice.take_response(200)
    caller, callee = Dialog(invite, ok, is_caller=True), Dialog(came, ok, is_caller=False)
    alice.send(caller.request(b"ACK", via=alice.via))
    await world.settled()
    bob.take_request(b"ACK")
    return caller, callee


async def test_offer_and_answer() -> None:
    world, alice, bob = world_of()
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    assert came.body == via_relay(SDP)
    bob.answers(came, 200, body=ANSWER)
    assert alice.take_response(200).body == via_relay(ANSWER)
    offer, answer = world.relays[0].commands
    assert isinstance(offer, Offer)
    assert isinstance(answer, Answer)
    assert (offer.call_id, offer.from_tag, offer.to_tag) == (
        invite.call_id, invite.from_tag, b"",
    )  # fmt: skip
    assert offer.via_branch == answer.via_branch != b""
    assert (answer.from_tag, answer.to_tag) == (invite.from_tag, b"tag-of-" + BOB)
    assert offer.options.transport_protocol == b"RTP/AVP"
    assert offer.options.ice == b"remove"


async def test_every_answer_on_the_way_is_relayed() -> None:
    world, alice, bob = world_of()
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    for status in (180, 183, 200):
        bob.answers(came, status, body=ANSWER)
        assert alice.take_response(status).body == via_relay(ANSWER)
    assert len(world.relays[0].taken(Answer)) == 3


@pytest.mark.parametrize("who", ["caller", "callee"])
async def test_bye_ends_the_session(who: str) -> None:
    world, alice, bob = world_of()
    caller, callee = await call(world, alice, bob)
    dialog, phone, other = (caller, alice, bob) if who == "caller" else (callee, bob, alice)
    phone.send(dialog.request(b"BYE", via=phone.via))
    other.answers(other.take_request(b"BYE"), 200)
    phone.take_response(200)
    await world.settled()
    (delete,) = deletes(world.relays[0])
    assert {delete.from_tag, delete.to_tag} == {caller.local_tag, caller.remote_tag}
    assert not delete.via_branch
    assert [(one.status, one.ended_by) for one in world.records] == [(200, who)]


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize("method", [b"INVITE", b"UPDATE"])
async def test_offers_within_the_dialog(who: str, method: bytes) -> None:
    world, alice, bob = world_of()
    caller, callee = await call(world, alice, bob)
    dialog, phone, other = (caller, alice, bob) if who == "caller" else (callee, bob, alice)
    world.relays[0].commands.clear()
    phone.send(dialog.request(method, via=phone.via, contact=phone.contact, body=SDP))
    came = other.take_request(method)
    assert came.body == via_relay(SDP)
    other.answers(came, 200, body=ANSWER)
    if method == b"INVITE":
        phone.take_response(100)
    assert phone.take_response(200).body == via_relay(ANSWER)
    offer, answer = world.relays[0].commands
    assert (offer.from_tag, offer.to_tag) == (dialog.local_tag, dialog.remote_tag)
    assert (answer.from_tag, answer.to_tag) == (dialog.local_tag, dialog.remote_tag)
    assert not offer.via_branch


async def test_a_reinvite_that_fails_changes_nothing() -> None:
    world, alice, bob = world_of()
    caller, _ = await call(world, alice, bob)
    alice.send(caller.request(b"INVITE", via=alice.via, contact=alice.contact, body=SDP))
    bob.answers(bob.take_request(b"INVITE"), 488)
    await world.settled()
    assert not deletes(world.relays[0])


async def test_late_offer() -> None:
    """INVITE without SDP: the offer stands in the 200, the answer in the ACK."""
    world, alice, bob = world_of()
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200, body=SDP)
    ok = alice.take_response(200)
    assert ok.body == via_relay(SDP)
    caller = Dialog(invite, ok, is_caller=True)
    alice.send(caller.request(b"ACK", via=alice.via, body=ANSWER))
    assert bob.take_request(b"ACK").body == via_relay(ANSWER)
    offer, answer = world.relays[0].commands
    assert isinstance(offer, Offer)
    assert isinstance(answer, Answer)
    assert (offer.from_tag, offer.to_tag) == (b"tag-of-" + BOB, invite.from_tag)
    assert (answer.from_tag, answer.to_tag) == (b"tag-of-" + BOB, invite.from_tag)


async def test_late_offer_in_a_reliable_183_is_answered_by_prack() -> None:
    world, alice, bob = world_of()
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 183, body=SDP, extra=PRACK)
    early = alice.take_response(183)
    assert early.body == via_relay(SDP)
    caller = Dialog(invite, early, is_caller=True)
    alice.send(caller.request(b"PRACK", via=alice.via, body=ANSWER))
    prack = bob.take_request(b"PRACK")
    assert prack.body == via_relay(ANSWER)
    bob.answers(prack, 200)
    alice.take_response(200)
    kinds = [type(command) for command in world.relays[0].commands]
    assert kinds == [Offer, Answer]


async def test_prack_may_make_an_offer() -> None:
    world, alice, bob = world_of()
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    bob.answers(came, 183, body=ANSWER, extra=PRACK)
    caller = Dialog(invite, alice.take_response(183), is_caller=True)
    alice.send(caller.request(b"PRACK", via=alice.via, body=SDP))
    prack = bob.take_request(b"PRACK")
    bob.answers(prack, 200, body=ANSWER)
    assert alice.take_response(200).body == via_relay(ANSWER)
    kinds = [type(command) for command in world.relays[0].commands]
    assert kinds == [Offer, Answer, Offer, Answer]


@pytest.mark.parametrize("ending", ["busy", "cancel", "timeout"])
async def test_a_call_that_never_was_leaves_nothing(ending: str) -> None:
    world, alice, bob = world_of()
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    match ending:
        case "busy":
            bob.answers(came, 486)
        case "cancel":
            bob.answers(came, 180)
            alice.send(cancel_of(invite))
            bob.take_request(b"CANCEL")
            bob.answers(came, 487)
        case _:
            world.clock.advance(33)
    await world.settled()
    (delete,) = deletes(world.relays[0])
    assert delete.call_id == invite.call_id
    assert delete.via_branch == world.relays[0].taken(Offer)[0].via_branch
    (record,) = world.records
    by = {"busy": (486, "callee"), "cancel": (487, "caller"), "timeout": (408, "proxy")}
    assert (record.status, record.ended_by) == by[ending]


async def test_each_branch_of_a_fork_has_its_offer_and_losers_are_ended() -> None:
    world, alice, desk = world_of()
    mobile = world.registered(BOB, "192.0.2.21")
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = {phone: phone.take_request(b"INVITE") for phone in (desk, mobile)}
    branches = [offer.via_branch for offer in world.relays[0].taken(Offer)]
    assert len(set(branches)) == 2
    mobile.answers(came[mobile], 200, body=ANSWER)
    alice.take_response(200)
    await world.settled()
    (answer,) = world.relays[0].taken(Answer)
    (delete,) = deletes(world.relays[0])
    assert {answer.via_branch, delete.via_branch} == set(branches)


async def test_the_same_call_twice_is_ended_one_branch_at_a_time() -> None:
    """A proxy before us forked: the same Call-ID and From tag, two Request-URIs."""
    world = World(ALWAYS)
    bob, carol = (
        world.registered(BOB, "192.0.2.20"),
        world.registered(b"carol@example.com", "192.0.2.21"),
    )
    phone = world.phone(STRANGER, "203.0.113.5")
    for name in (b"bob", b"carol"):
        phone.sends(
            b"INVITE", b"sip:%b@example.com" % name, call_id=b"same", from_tag=b"same", body=SDP
        )
        phone.take_response(100)
    carol.answers(carol.take_request(b"INVITE"), 200, body=ANSWER)
    bob.answers(bob.take_request(b"INVITE"), 486)
    await world.settled()
    first, second = world.relays[0].taken(Offer)
    assert [delete.via_branch for delete in deletes(world.relays[0])] == [first.via_branch]
    assert world.relays[0].taken(Answer)[0].via_branch == second.via_branch


async def test_a_silent_relay_is_followed_by_the_next() -> None:
    world, alice, bob = world_of(relays=(b"r1", b"r2"))
    world.relays[0].is_silent = True
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    assert came.body == via_relay(SDP, b"r2")
    bob.answers(came, 200, body=ANSWER)
    assert alice.take_response(200).body == via_relay(ANSWER, b"r2")


async def test_no_relay_no_call() -> None:
    world, alice, bob = world_of(relays=(b"r1", b"r2"))
    for relay in world.relays.relays:
        relay.is_silent = True
    message = alice.asks(b"INVITE", b"sip:bob@example.com", body=SDP)
    alice.send(message)
    challenge = alice.take_response(407)
    alice.send(ack_of(message, challenge))
    alice.send(alice.signs(message, challenge))
    await world.settled()
    assert alice.take_response(503).reason == b"No media relay"
    bob.take_nothing()
    assert [(record.status, record.ended_by) for record in world.records] == [(503, "proxy")]


async def test_a_plain_offer_of_a_domain_that_requires_srtp() -> None:
    world, alice, bob = world_of(replace(ALWAYS, srtp="required"))
    world.relays[0].refuses = "Encryption is required of this side"
    message = alice.asks(b"INVITE", b"sip:bob@example.com", body=SDP)
    alice.send(message)
    challenge = alice.take_response(407)
    alice.send(ack_of(message, challenge))
    alice.send(alice.signs(message, challenge))
    await world.settled()
    assert alice.take_response(488).reason == b"SRTP is required here"
    bob.take_nothing()
    (offer,) = world.relays[0].taken(Offer)
    assert offer.options.transport_protocol == b"RTP/SAVP"
    assert {b"srtp-required", b"srtp-required-towards"} <= set(offer.options.flags)


async def refusing(world: World, alice: UserAgent, bob: UserAgent) -> tuple[Request, Response]:
    """Alice has called Bob, who has answered as the relay does not want; what he got and gave."""
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    world.relays[0].refuses = "Encryption is required of this side"
    bob.answers(came, 183, body=ANSWER)
    assert alice.take_response(183).body == b""
    ok = bob.answers(came, 200, body=ANSWER)
    await world.settled()
    return came, ok


async def test_a_plain_answer_of_a_domain_that_requires_srtp() -> None:
    world, alice, bob = world_of(replace(ALWAYS, srtp="required"))
    came, ok = await refusing(world, alice, bob)
    assert alice.take_response(488).reason == b"SRTP is required here"
    for method, number in ((b"ACK", came.cseq.number), (b"BYE", came.cseq.number + 1)):
        said = bob.take_request(method)
        assert said.uri_raw == bob.contact.strip(b"<>")
        assert (said.from_tag, said.to_tag) == (came.from_tag, ok.to_tag)
        assert said.cseq.number == number
        assert not said.headers.has(b"route")
    bob.send(respond(said, 200))
    bob.send(ok)  # again: the ACK was lost
    await world.settled()
    bob.take_request(b"ACK")
    bob.take_nothing()
    alice.take_nothing()
    assert [(one.status, one.reason) for one in world.records] == [(488, b"SRTP is required here")]
    assert len(deletes(world.relays[0])) == 1
    world.clock.advance(40)
    assert world.layer.transactions == (0, 0)


async def test_a_plain_answer_within_a_dialog_is_refused_and_the_call_goes_on() -> None:
    world, alice, bob = world_of(replace(ALWAYS, srtp="required"))
    caller, _ = await call(world, alice, bob)
    world.relays[0].commands.clear()
    alice.send(caller.request(b"INVITE", via=alice.via, contact=alice.contact, body=SDP))
    came = bob.take_request(b"INVITE")
    world.relays[0].refuses = "Encryption is required of this side"
    bob.answers(came, 200, body=ANSWER)
    await world.settled()
    alice.take_response(100)
    assert alice.take_response(488).reason == b"SRTP is required here"
    ack = bob.take_request(b"ACK")
    assert ack.cseq.number == came.cseq.number
    assert (ack.from_tag, ack.to_tag) == (came.from_tag, came.to_tag)
    bob.take_nothing()
    assert not world.records


async def test_a_plain_answer_to_a_late_offer_is_not_passed_on() -> None:
    world, alice, bob = world_of(replace(ALWAYS, srtp="required"))
    invite = alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200, body=SDP)
    ok = alice.take_response(200)
    world.relays[0].refuses = "Encryption is required of this side"
    alice.send(Dialog(invite, ok, is_caller=True).request(b"ACK", via=alice.via, body=ANSWER))
    await world.settled()
    bob.take_nothing()


async def test_an_answer_that_the_relay_refuses_passes_as_it_is() -> None:
    world, alice, bob = world_of()
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    world.relays[0].refuses = "Unknown call-id"
    bob.answers(came, 200, body=ANSWER)
    assert alice.take_response(200).body == ANSWER


async def test_the_relay_of_a_call_is_found_again_by_another_node() -> None:
    """It is sealed into the dialog token; nothing is remembered in the proxy."""
    world, alice, bob = world_of(relays=(b"r1", b"r2"))
    caller, _ = await call(world, alice, bob)
    other = World(ALWAYS, relays=(b"r2", b"r1"))
    other.phone(BOB, "192.0.2.20")
    phone = other.phone(ALICE, "192.0.2.10")
    phone.send(caller.request(b"BYE", via=phone.via))
    await other.settled()
    assert not other.relays[0].commands
    assert isinstance(other.relays[1].commands[0], Delete)


@pytest.mark.parametrize(
    ("policy", "contact", "relayed"),
    [
        ("never", b"<sip:alice@10.0.0.1>", False),
        ("auto", None, False),
        ("auto", b"<sip:alice@10.0.0.1>", True),
        ("always", None, True),
    ],
)
async def test_the_domain_says_when(policy: str, contact: bytes | None, relayed: bool) -> None:
    _, alice, bob = world_of(replace(EXAMPLE, media_policy=policy))
    alice.invites(b"sip:bob@example.com", body=SDP, contact=contact or alice.contact)
    assert (bob.take_request(b"INVITE").body != SDP) is relayed


@pytest.mark.parametrize(
    ("contact", "host", "relayed"),
    [
        (b"<sip:bob@10.0.0.2>", "203.0.113.9", True),
        (None, "2001:db8::9", True),
        (None, "192.0.2.20", False),
    ],
)
async def test_auto_looks_at_the_callee(contact: bytes | None, host: str, relayed: bool) -> None:
    world = World()
    bob = world.phone(BOB, host)
    bob.registers(contact=contact or bob.contact)
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com", body=SDP)
    assert (bob.take_request(b"INVITE").body != SDP) is relayed
    if relayed and ":" in host:
        assert world.relays[0].taken(Offer)[0].options.address_family == b"IP6"


@pytest.mark.parametrize(
    ("of_domain", "of_alice", "of_bob", "relayed"),
    [
        ("never", "", "", False),
        ("never", "always", "", True),
        ("never", "", "always", True),
        ("always", "never", "never", False),
        ("always", "never", "", True),
    ],
)
async def test_the_users_say_when_instead(
    of_domain: str, of_alice: str, of_bob: str, relayed: bool
) -> None:
    domain = replace(EXAMPLE, media_policy=of_domain)
    world, alice, bob = world_of(domain)
    world.add_user(ALICE, domain, media_policy=of_alice)
    world.add_user(BOB, domain, media_policy=of_bob)
    alice.invites(b"sip:bob@example.com", body=SDP)
    assert (bob.take_request(b"INVITE").body != SDP) is relayed


@pytest.mark.parametrize("relay", ["never", "auto"])
@pytest.mark.parametrize("policy", [{"srtp": "required"}, {"srtp": "dtls"}, {"codecs": b"opus"}])
@pytest.mark.parametrize("whose", [ALICE, BOB])
async def test_what_only_a_relay_can_see_to_has_one(
    relay: str, policy: dict[str, Any], whose: bytes
) -> None:
    domain = replace(EXAMPLE, media_policy=relay)
    world, alice, bob = world_of(domain)
    world.add_user(whose, domain, **policy)
    alice.invites(b"sip:bob@example.com", body=SDP)
    assert bob.take_request(b"INVITE").body == via_relay(SDP)


async def test_each_side_has_the_encryption_and_codecs_of_its_user() -> None:
    domain = replace(ALWAYS, srtp="off", codecs=b"opus G722 PCMA")
    world, alice, bob = world_of(domain)
    world.add_user(BOB, domain, srtp="required", codecs=b"PCMA opus")
    await call(world, alice, bob)
    offer, answer = world.relays[0].commands
    assert isinstance(offer, Offer)
    assert isinstance(answer, Answer)
    assert offer.options.transport_protocol == b"RTP/SAVP"
    assert b"srtp-required-towards" in offer.options.flags
    assert offer.options.codec.offer == (b"pcma", b"opus")
    assert b"srtp-required" in answer.options.flags
    assert (offer.options.label, answer.options.label) == (b"alice's phone", b"bob's phone")


@pytest.mark.parametrize("who", ["caller", "callee"])
@pytest.mark.parametrize(
    ("srtp", "protocol"), [("required", b"RTP/SAVP"), ("dtls", b"UDP/TLS/RTP/SAVPF")]
)
async def test_who_must_encrypt_must_do_so_within_the_dialog(
    who: str, srtp: str, protocol: bytes
) -> None:
    """Also at a relay that does not keep how each side is spoken to."""
    domain = replace(ALWAYS, srtp="off")
    world, alice, bob = world_of(domain)
    world.add_user(BOB, domain, srtp=srtp)
    caller, callee = await call(world, alice, bob)
    dialog, phone, other = (caller, alice, bob) if who == "caller" else (callee, bob, alice)
    world.relays[0].commands.clear()
    phone.send(dialog.request(b"INVITE", via=phone.via, contact=phone.contact, body=SDP))
    other.answers(other.take_request(b"INVITE"), 200, body=ANSWER)
    await world.settled()
    both = world.relays[0].commands
    to_bob, from_bob = both if who == "caller" else reversed(both)
    assert isinstance(to_bob, Offer | Answer)
    assert isinstance(from_bob, Offer | Answer)
    assert to_bob.options.transport_protocol == protocol
    assert b"srtp-required-towards" in to_bob.options.flags
    assert from_bob.options.transport_protocol == b"RTP/AVP"
    assert b"srtp-required" in from_bob.options.flags


OFFERING = replace(ALWAYS, srtp="offered")
PROFILES = [b"RTP/AVP", b"RTP/SAVP", b"UDP/TLS/RTP/SAVPF"]


async def refuses(world: World, bob: UserAgent, *statuses: int) -> Request:
    """Bob refuses what he is offered as often; the INVITE that he gets then."""
    for status in statuses:
        came = bob.take_request(b"INVITE")
        bob.answers(came, status)
        assert bob.take_request(b"ACK").via.branch == came.via.branch
        await world.settled()
    return bob.take_request(b"INVITE")


@pytest.mark.parametrize("times", [1, 2])
async def test_a_phone_that_refuses_what_is_plain_is_offered_encryption_alone(times: int) -> None:
    """By keys first, then by DTLS; and later within the dialog as it has been accepted."""
    world, alice, bob = world_of(OFFERING)
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    came = await refuses(world, bob, *[488] * times)
    offers = world.relays[0].taken(Offer)
    assert [one.options.transport_protocol for one in offers] == PROFILES[: times + 1]
    assert {one.via_branch for one in offers} == {offers[0].via_branch}
    assert all(one.sdp == SDP for one in offers)
    assert came.body == via_relay(SDP)
    assert came.call_id == invite.call_id
    assert len(came.vias) == 2
    bob.answers(came, 180)
    alice.take_response(180)
    bob.answers(came, 200, body=ANSWER)
    await world.settled()
    ok = alice.take_response(200)
    alice.take_nothing()
    assert not deletes(world.relays[0])
    caller = Dialog(invite, ok, is_caller=True)
    alice.send(caller.request(b"ACK", via=alice.via))
    bob.take_request(b"ACK")
    world.relays[0].commands.clear()
    alice.send(caller.request(b"INVITE", via=alice.via, contact=alice.contact, body=SDP))
    await world.settled()
    [again] = world.relays[0].taken(Offer)
    assert again.options.transport_protocol == PROFILES[times]


async def test_who_refuses_everything_has_refused() -> None:
    world, alice, bob = world_of(OFFERING)
    alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    last = await refuses(world, bob, 488, 488)
    bob.answers(last, 488)
    await world.settled()
    assert alice.take_response(488)
    assert len(deletes(world.relays[0])) == 1


@pytest.mark.parametrize(
    ("domain", "body", "status"),
    [
        (OFFERING, SDP, 486),
        (OFFERING, SDP, 606),
        (OFFERING, b"", 488),
        (replace(ALWAYS, srtp="off"), SDP, 488),
        (replace(ALWAYS, srtp="required"), SDP, 488),
        (replace(ALWAYS, srtp="dtls"), SDP, 488),
        (replace(OFFERING, media_policy="never"), SDP, 488),
    ],
)
async def test_other_refusals_are_not_asked_twice(domain: Domain, body: bytes, status: int) -> None:
    world, alice, bob = world_of(domain)
    alice.invites(b"sip:bob@example.com", body=body)
    await world.settled()
    bob.answers(bob.take_request(b"INVITE"), status)
    await world.settled()
    alice.take_response(status)
    bob.take_request(b"ACK")
    bob.take_nothing()


SAVP, DTLS = b"RTP/SAVP", b"UDP/TLS/RTP/SAVPF"


@pytest.mark.parametrize(
    ("warning", "able", "offered"),
    [
        (b'305 phone "Incompatible media format"', b"", []),
        (b'304 phone "Media type not available"', b"", []),
        (b'302 phone "Incompatible transport protocol"', b"", [SAVP]),
        (None, b"RTP/AVP", []),
        (None, SAVP, [SAVP]),
        (None, DTLS, [DTLS]),
    ],
)
async def test_a_refusal_that_says_why(
    warning: bytes | None, able: bytes, offered: list[bytes]
) -> None:
    world, alice, bob = world_of(OFFERING)
    alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    came = bob.take_request(b"INVITE")
    extra = () if warning is None else ((b"warning", warning),)
    bob.answers(came, 488, extra=extra, body=SDP.replace(b"RTP/AVP", able) if able else b"")
    await world.settled()
    bob.take_request(b"ACK")
    assert [one.options.transport_protocol for one in world.relays[0].taken(Offer)[1:]] == offered
    if not offered:
        alice.take_response(488)
        bob.take_nothing()


async def test_a_browser_that_refuses_is_not_asked_twice() -> None:
    world, alice, bob = browsers(srtp="offered")
    world.add_user(ALICE, replace(EXAMPLE, srtp="offered"), media_policy="always")
    alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    bob.answers(bob.take_request(b"INVITE"), 488, contact=BROWSER)
    await world.settled()
    alice.take_response(488)


async def test_a_fork_that_has_been_answered_is_not_offered_again() -> None:
    world, alice, bob = world_of(OFFERING)
    desk = world.registered(BOB, "192.0.2.21")
    alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    came = bob.take_request(b"INVITE")
    other = desk.take_request(b"INVITE")
    desk.answers(other, 200, body=ANSWER)
    await world.settled()
    alice.take_response(200)
    bob.answers(came, 488)
    await world.settled()
    bob.take_request(b"ACK")
    bob.take_nothing()


async def test_no_codec_that_both_may_use() -> None:
    world, alice, bob = world_of()
    world.relays[0].refuses = "No codec of the offer is allowed"
    alice.authenticates(alice.asks(b"INVITE", b"sip:bob@example.com", body=SDP))
    await world.settled()
    assert alice.take_response(488).reason == b"No Common Codec"
    bob.take_nothing()


async def test_no_codec_in_a_late_offer_that_both_may_use() -> None:
    world, alice, bob = world_of()
    alice.invites(b"sip:bob@example.com")
    came = bob.take_request(b"INVITE")
    world.relays[0].refuses = "No codec of the offer is allowed"
    bob.answers(came, 200, body=SDP)
    await world.settled()
    assert alice.take_response(488).reason == b"No Common Codec"
    bob.take_request(b"ACK")
    bob.take_request(b"BYE")


async def test_a_later_stage_may_be_the_first_to_need_a_relay() -> None:
    """Bob's phone stands beside Alice's; he forwards to Carol, who is behind a NAT."""
    world, alice, bob = world_of(replace(EXAMPLE, media_policy="auto"))
    carol = world.phone(b"carol@example.com", "203.0.113.9")
    carol.registers(contact=b"<sip:carol@10.0.0.2>")
    world.add_routes(Forward(1, BOB_AOR, "busy", b"carol@example.com"))
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    assert came.body == SDP
    bob.answers(came, 183, body=ANSWER)
    assert alice.take_response(183).body == ANSWER
    bob.answers(came, 486)
    await world.settled()
    bob.take_request(b"ACK")
    diverted = carol.take_request(b"INVITE")
    assert diverted.body == via_relay(SDP)
    carol.answers(diverted, 200, body=ANSWER)
    await world.settled()
    while (response := alice.take()).status != 200:
        assert response.status == 181
    assert response.body == via_relay(ANSWER)
    assert not deletes(world.relays[0])


BROWSER = b"<sip:bob@8fk3.invalid;transport=ws>"


def browsers(**policies: object) -> tuple[World, UserAgent, UserAgent]:
    """Alice's and Bob's, in a domain where `auto` decides."""
    world = World(replace(EXAMPLE, media_policy="auto", **policies))  # type: ignore[arg-type]
    bob = world.phone(BOB, "192.0.2.20", 50_000, "wss")
    bob.registers(contact=BROWSER)
    return world, world.phone(ALICE, "192.0.2.10", 50_001, "wss"), bob


async def test_two_browsers_begin_without_a_relay_and_have_one_for_what_comes_later() -> None:
    world, alice, bob = browsers()
    invite = alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    assert came.body == SDP
    bob.answers(came, 200, body=ANSWER, contact=BROWSER)
    ok = alice.take_response(200)
    assert ok.body == ANSWER
    caller = Dialog(invite, ok, is_caller=True)
    alice.send(caller.request(b"ACK", via=alice.via))
    bob.take_request(b"ACK")
    assert not world.relays[0].commands
    held = world.call()
    assert held.relay_id == b""
    alice.send(caller.request(b"INVITE", via=alice.via, contact=alice.contact, body=SDP))
    await world.settled()
    again = bob.take_request(b"INVITE")
    assert again.body == via_relay(SDP)
    bob.answers(again, 200, body=ANSWER, contact=BROWSER)
    await world.settled()
    alice.take_response(100)
    assert alice.take_response(200).body == via_relay(ANSWER)
    assert held.relay_id == world.node.relays.choices(b"")[0].relay_id
    alice.send(caller.request(b"BYE", via=alice.via))
    await world.settled()
    assert deletes(world.relays[0])


async def test_a_browser_beside_a_desk_phone_is_called_by_the_relay() -> None:
    world, alice, bob = browsers()
    desk = world.registered(BOB, "192.0.2.21")
    alice.invites(b"sip:bob@example.com", body=SDP)
    await world.settled()
    for phone in (bob, desk):
        assert phone.take_request(b"INVITE").body == via_relay(SDP)


async def test_browsers_answer_late_offers_as_they_are_where_encryption_is_required() -> None:
    world, alice, bob = browsers(srtp="required")
    world.relays[0].refuses = "Unknown call-id"
    invite = alice.invites(b"sip:bob@example.com")
    bob.answers(bob.take_request(b"INVITE"), 200, body=SDP, contact=BROWSER)
    ok = alice.take_response(200)
    assert ok.body == SDP
    alice.send(Dialog(invite, ok, is_caller=True).request(b"ACK", via=alice.via, body=ANSWER))
    await world.settled()
    assert bob.take_request(b"ACK").body == ANSWER


async def test_between_browser_and_phone_profiles_differ() -> None:
    world = World()
    bob = world.phone(BOB, "192.0.2.20", 50_000, "wss")
    bob.registers(contact=b"<sip:bob@8fk3.invalid;transport=ws>")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:bob@example.com", body=SDP)
    came = bob.take_request(b"INVITE")
    bob.answers(came, 200, body=ANSWER, contact=b"<sip:bob@8fk3.invalid;transport=ws>")
    alice.take_response(200)
    offer, answer = world.relays[0].commands
    assert offer.options.transport_protocol == b"UDP/TLS/RTP/SAVPF"
    assert offer.options.ice == b"force"
    assert answer.options.transport_protocol == b"RTP/AVP"
    assert answer.options.ice == b"remove"


@pytest.mark.parametrize(
    ("method", "extra", "body"),
    [
        (b"MESSAGE", (), b"hello"),
        (b"INVITE", ((b"content-type", b"text/plain"),), b""),
        (b"INFO", (), SDP),
    ],
)
async def test_other_bodies_are_nobodys_business(
    method: bytes, extra: tuple[tuple[bytes, bytes], ...], body: bytes
) -> None:
    world, alice, bob = world_of()
    alice.authenticates(alice.asks(method, b"sip:bob@example.com", body=body, extra=extra))
    assert bob.take_request(method).body == body
    assert not world.relays[0].commands


async def test_a_spiral_passes_through_one_relay_only() -> None:
    """Out to a foreign proxy and back to another user of ours, under the same Call-ID."""
    world = World(ALWAYS)
    bob = world.registered(BOB, "192.0.2.20")
    far = world.phone(b"x@192.0.2.99", "192.0.2.99")
    alice = world.phone(ALICE, "192.0.2.10")
    alice.invites(b"sip:x@192.0.2.99", body=SDP)
    came = far.take_request(b"INVITE")
    back = came.copy()
    back.headers.prepend(b"via", far.via + b";branch=z9hG4bKfar")
    back.headers.set(b"from", b"<sip:x@elsewhere.org>;tag=" + (came.from_tag or b""))
    back.uri = parse_uri(b"sip:bob@example.com")
    far.send(back)
    again = bob.take_request(b"INVITE")
    assert again.body == via_relay(SDP)
    assert len(again.record_routes) == 4
    assert len(world.relays[0].taken(Offer)) == 1
    bob.answers(again, 200, body=ANSWER)
    await world.settled()
    assert isinstance(far.take(), Response)


async def test_each_side_has_its_ports_where_its_network_is() -> None:
    networks = ((ip_network("192.0.2.20/32"), "inside"), (ip_network("192.0.2.0/24"), "outside"))
    world, alice, bob = world_of(relay_interfaces=networks)
    caller, callee = await call(world, alice, bob)
    for dialog, phone, names in (
        (caller, alice, (b"outside", b"inside")),
        (callee, bob, (b"inside", b"outside")),
    ):
        phone.send(dialog.request(b"INVITE", via=phone.via, contact=phone.contact, body=SDP))
        await world.settled()
        assert world.relays[0].taken(Offer)[-1].options.direction == names
    assert world.relays[0].taken(Offer)[0].options.direction == (b"outside", b"inside")
