"""Phones that answer at random and garble what they send: nothing fails, nothing stays behind."""

import random

import pytest

from proxy.sip.codec import serialise
from proxy.sip.errors import ParseError
from proxy.sip.message import Request, Response
from proxy.transport.flow import Flow
from tests.harness.builders import Dialog, ack_of, cancel_of, request, respond
from tests.harness.network import Node, Phone
from tests.harness.routing_users import target, to_targets

STATUSES = (100, 180, 183, 200, 202, 302, 401, 404, 407, 486, 487, 503, 600, 603)
ODD_BYTES = b' ;,<>":@\r\n\0aZ19%='


class Mob:
    """A caller, two callees of one call, and all that any of them might send."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.node = Node(
            to_targets(
                target(b"sip:bob@192.0.2.20:5060"),
                target(b"sip:bob@192.0.2.21:5060", q=dice.choice((1000, 500))),
            )
        )
        self.alice = self.node.phone("udp", "192.0.2.10")
        self.phones = [self.alice, *(self.node.phone("udp", f"192.0.2.2{at}") for at in (0, 1))]
        method = dice.choice((b"INVITE", b"INVITE", b"MESSAGE", b"SUBSCRIBE"))
        self.first = request(method, b"sip:bob@example.com", via=self.alice.via)
        self.pool: list[tuple[bytes, Flow]] = []
        self.could_send(self.alice, self.first)
        self.could_send(self.alice, cancel_of(self.first))

    def could_send(self, phone: Phone, message: Request | Response) -> None:
        self.pool.append((serialise(message), phone.flow))

    def step(self) -> None:
        for phone in self.phones:
            for message in phone.inbox:
                try:
                    self.react(phone, message)
                except ParseError:
                    continue  # garbled so much that no phone could react
            phone.inbox.clear()
        recent = self.pool[-8:] if self.dice.random() < 0.7 else self.pool
        data, flow = self.dice.choice(recent)
        if self.dice.random() < 0.3:
            data = self.garbled(data)
        self.node.network.carry_to_node(data, flow)
        if self.dice.random() < 0.4:
            self.node.clock.advance(self.dice.choice((0.1, 0.5, 4, 33, 200)))

    def react(self, phone: Phone, message: Request | Response) -> None:
        if isinstance(message, Request):
            answer = respond(
                message, self.dice.choice(STATUSES), to_tag=self.dice.choice((b"x", b"y"))
            )
            self.could_send(phone, answer)
            if message.method == b"INVITE" and answer.status == 200 and message.contacts:
                dialog = Dialog(message, answer, is_caller=False)
                method = self.dice.choice((b"BYE", b"INFO", b"ACK"))
                self.could_send(phone, dialog.request(method, via=phone.via))
        elif message.status >= 300:
            self.could_send(self.alice, ack_of(self.first, message))
        elif message.status >= 200 and message.contacts:
            dialog = Dialog(self.first, message, is_caller=True)
            method = self.dice.choice((b"BYE", b"ACK", b"INFO", b"NOTIFY"))
            self.could_send(self.alice, dialog.request(method, via=phone.via))

    def garbled(self, data: bytes) -> bytes:
        spoiled = bytearray(data)
        for _ in range(self.dice.randint(1, 4)):
            at = self.dice.randrange(len(spoiled))
            match self.dice.randrange(3):
                case 0:
                    spoiled[at] = self.dice.choice(ODD_BYTES)
                case 1:
                    del spoiled[at]
                case _:
                    spoiled.insert(at, self.dice.choice(ODD_BYTES))
        return bytes(spoiled)


@pytest.mark.parametrize("seed", range(40))
async def test_random_and_garbled_messages(seed):
    dice = random.Random(seed)
    for _ in range(10):
        mob = Mob(dice)
        mob.node.network.carry_to_node(*mob.pool[0])
        for _ in range(30):
            mob.step()
        await mob.node.layer.settled()
        mob.node.clock.advance(600)
        await mob.node.layer.settled()
        assert mob.node.layer.transactions == (0, 0)
        assert mob.node.layer.counters["failures"] == 0
