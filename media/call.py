"""One call: its dialogues, found by tags and branch as rtpengine finds them. Pure.

Offers and answers come in, bodies and rules go out; nothing here opens a socket or knows the time.
The side that makes an offer is always `from_tag`, whichever way the dialog was set up; `to_tag` is
who answers, once it is known.
"""

from __future__ import annotations

from dataclasses import dataclass

from media.dialogue import Dialogue, Leg
from media.exchange import KEEP, Exchange
from media.negotiate import negotiate
from media.ng import Answer, CodecChoice, Delete, Offer
from media.sdp import Allowed, Session, choose, parse
from media.security import Means
from media.stream import LocalPair, PortSource, Refused


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an offer or answer leads to: a body, a dialogue with new rules, ports to give back."""

    sdp: bytes
    dialogue: Dialogue
    released: tuple[LocalPair, ...]


class Call:
    """All dialogues of one Call-ID."""

    __slots__ = ("_means", "call_id", "created_wall", "dialogues", "signalled_wall")

    def __init__(self, call_id: bytes, means: Means, *, wall: float) -> None:
        self.call_id = call_id
        self._means = means
        self.created_wall = wall
        self.signalled_wall = int(wall)
        self.dialogues: list[Dialogue] = []

    def offer(self, offer: Offer, ports: PortSource, *, wall: float, now: float) -> Outcome:
        """The offer as the other side is to see it. sdp.ParseError, Refused: nothing changed."""
        session = parse(offer.sdp)
        dialogue = self._offered(offer)
        is_new = dialogue is None
        codecs = offer.options.codec
        if not codecs and dialogue is not None and offer.options.has(KEEP):
            codecs = dialogue.codecs
        session = _chosen(session, codecs)
        if dialogue is None:
            near, far = (Leg(tag, wall=wall) for tag in (offer.from_tag, offer.to_tag))
            dialogue = Dialogue(near, far, offer.via_branch)
        near = dialogue.leg(offer.from_tag)
        exchange = Exchange(
            near, dialogue.opposite(near), session, offer.options, True, self._means
        )
        body, released = negotiate(exchange, ports, now=now)
        if is_new:
            self.dialogues.append(dialogue)
        dialogue.codecs = codecs
        return self._concluded(dialogue, exchange, body, released, wall)

    def answer(self, answer: Answer, ports: PortSource, *, wall: float, now: float) -> Outcome:
        """The answer as the offerer is to see it. sdp.ParseError, Refused: nothing changed."""
        session = parse(answer.sdp)
        dialogue = self._answered(answer)
        far = dialogue.leg(answer.from_tag)
        near = dialogue.opposite(far)
        exchange = Exchange(near, far, session, answer.options, False, self._means)
        body, released = negotiate(exchange, ports, now=now)
        near.tag = answer.to_tag
        dialogue.is_answered = True
        return self._concluded(dialogue, exchange, body, released, wall)

    def meant_by(self, delete: Delete) -> list[Dialogue]:
        """The dialogues that a delete ends: all, or those of the branch and tags that it names.

        A BYE has a branch of its own, and some proxies send that: a branch that nobody knows
        leaves the answered dialogues of those tags. Both tags mean their dialogue where there is
        one: what is still open with one of them may be another call. Else they mean what is open.
        """
        tags = [tag for tag in (delete.from_tag, delete.to_tag) if tag]
        tagged = [dialogue for dialogue in self.dialogues if dialogue.has(*tags)]
        if not tagged and len(tags) == 2:
            tagged = [one for one in self.dialogues if one.is_open and any(map(one.has, tags))]
        branch = delete.via_branch
        if not branch:
            return tagged
        if any(dialogue.via_branch == branch for dialogue in self.dialogues):
            return [dialogue for dialogue in tagged if dialogue.via_branch == branch]
        return [dialogue for dialogue in tagged if dialogue.is_answered]

    def remove(self, dialogue: Dialogue) -> list[LocalPair]:
        """Forget a dialogue; its ports are to be given back."""
        self.dialogues.remove(dialogue)
        return list(dialogue.pairs())

    def _concluded(
        self,
        dialogue: Dialogue,
        exchange: Exchange,
        body: bytes,
        released: list[LocalPair],
        wall: float,
    ) -> Outcome:
        exchange.near.label = exchange.options.label or exchange.near.label
        dialogue.delete_at = None
        self.signalled_wall = int(wall)
        return Outcome(body, dialogue, tuple(released))

    def _offered(self, offer: Offer) -> Dialogue | None:
        """The dialogue that an offer belongs to; None when it begins one."""
        newest_first = self.dialogues[::-1]
        if offer.to_tag:
            for dialogue in newest_first:
                if dialogue.has(offer.from_tag, offer.to_tag):
                    return dialogue
            unanswered = [
                one
                for one in newest_first
                if one.is_open and one.caller.tag in (offer.from_tag, offer.to_tag)
            ]
            unanswered.sort(key=lambda one: one.via_branch != offer.via_branch)
            for dialogue in unanswered[:1]:
                is_caller = dialogue.caller.tag == offer.from_tag
                dialogue.callee.tag = offer.to_tag if is_caller else offer.from_tag
                return dialogue
            return None
        for dialogue in newest_first:
            if dialogue.has(offer.from_tag) and dialogue.via_branch == offer.via_branch:
                return dialogue
        return None

    def _answered(self, answer: Answer) -> Dialogue:
        """The dialogue that an answer belongs to.

        A branch that forked on beyond our sight answers with several tags; the last one has it.
        """
        ours = [one for one in self.dialogues[::-1] if one.has(answer.from_tag)]
        choices = (
            [one for one in ours if one.has(answer.to_tag)],
            [one for one in ours if answer.via_branch and one.via_branch == answer.via_branch],
            [one for one in ours if one.is_open],
            [one for one in ours if not one.via_branch],
        )
        for found in choices:
            if found:
                return found[0]
        raise Refused("Unknown to-tag" if ours else "Unknown from-tag")


def _chosen(session: Session, codecs: CodecChoice) -> Session:
    """The offer with the codecs that may be used; raises Refused when there is none."""
    if not codecs:
        return session
    allowed = Allowed(codecs.strip, codecs.strips_all, codecs.excepted, codecs.offer)
    found = choose(session, allowed)
    if found is None:
        raise Refused("No codec of the offer is allowed")
    return found
