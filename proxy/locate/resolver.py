"""The locator: drives the selection of rfc3263.py with real DNS answers, and remembers them.

Positive and negative answers are kept for their TTL; equal questions in flight are asked once. A
URI whose answers are all in memory is located without waiting.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import dns.asyncresolver
import dns.exception
import dns.resolver

from proxy.sip.uri import SipUri

from .hop import Hop
from .rfc3263 import Answer, LocateError, Naptr, Question, Selection, Speaks, Srv, locate

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

__all__ = ["LocateError", "Locator"]

_MOST_ANSWERS: Final = 50_000
_NEGATIVE_SECONDS: Final = 30.0
_LONGEST_SECONDS: Final = 3600.0
_LIFETIME_SECONDS: Final = 4.0


class Locator:
    """RFC 3263 for this node."""

    __slots__ = ("_answers", "_clock", "_dead", "_dead_seconds", "_flying", "_resolver", "_speaks")

    def __init__(
        self, settings: ProxySettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._speaks = Speaks(
            tuple(
                name
                for name, is_on in (
                    ("udp", settings.udp),
                    ("tcp", settings.tcp),
                    ("tls", settings.tls),
                )
                if is_on
            ),
            settings.ipv4,
            settings.ipv6,
        )
        self._answers: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()
        self._flying: dict[Question, asyncio.Future[Answer]] = {}
        self._dead: dict[Hop, float] = {}
        self._dead_seconds = settings.dead_hop_seconds
        self._clock = clock
        self._resolver = make_resolver(settings.dns_servers)

    def locate_now(self, uri: SipUri, *, now: float) -> list[Hop] | None:
        """The hops, if that needs no DNS answer that is not in memory; raises LocateError."""
        selection = locate(uri, self._speaks, random.random)
        answer: Answer | None = None
        try:
            while True:
                question = next(selection) if answer is None else selection.send(answer)
                answer = self._remembered(question)
                if answer is None:
                    return None
        except StopIteration as done:
            return self._living_first(done.value, now)

    async def locate(self, uri: SipUri, *, now: float) -> list[Hop]:
        """The hops in the order of trying; raises LocateError."""
        hops = await self._drive(locate(uri, self._speaks, random.random))
        return self._living_first(hops, now)

    def failed(self, hop: Hop, *, now: float) -> None:
        """A hop did not answer: for a while it is tried last."""
        if len(self._dead) > 10_000:
            self._dead.clear()
        self._dead[hop] = now + self._dead_seconds

    def _living_first(self, hops: list[Hop], now: float) -> list[Hop]:
        if not self._dead or len(hops) < 2:
            return hops
        return sorted(hops, key=lambda hop: self._dead.get(hop, 0.0) > now)

    async def _drive(self, selection: Selection) -> list[Hop]:
        try:
            question = next(selection)
            while True:
                try:
                    answer = await self._ask(question)
                except LocateError as error:
                    question = selection.throw(error)
                else:
                    question = selection.send(answer)
        except StopIteration as done:
            hops: list[Hop] = done.value
            return hops

    def _remembered(self, question: Question) -> Answer | None:
        held = self._answers.get(question)
        if held is None or held[0] < self._clock():
            return None
        return held[1]

    async def _ask(self, question: Question) -> Answer:
        held = self._remembered(question)
        if held is not None:
            return held
        flying = self._flying.get(question)
        if flying is None:
            flying = asyncio.ensure_future(self._resolve(question))
            self._flying[question] = flying
            flying.add_done_callback(lambda _: self._flying.pop(question, None))
        return await asyncio.shield(flying)

    async def _resolve(self, question: Question) -> Answer:
        try:
            found = await self._resolver.resolve(question.name, question.kind)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            self._remember(question, [], _NEGATIVE_SECONDS)
            return []
        except dns.exception.DNSException as error:
            raise LocateError(f"{question.kind} {question.name}: {error}") from error
        except UnicodeError as error:
            raise LocateError(f"{question.name} is no domain name") from error
        answer = _values(question, found)
        ttl = found.rrset.ttl if found.rrset is not None else _NEGATIVE_SECONDS
        self._remember(question, answer, min(ttl, _LONGEST_SECONDS))
        return answer

    def _remember(self, question: Question, answer: Answer, seconds: float) -> None:
        self._answers[question] = (self._clock() + seconds, answer)
        self._answers.move_to_end(question)
        if len(self._answers) > _MOST_ANSWERS:
            self._answers.popitem(last=False)


def make_resolver(servers: tuple[str, ...]) -> dns.asyncresolver.Resolver:
    """A resolver for these servers, `host` or `host:port`, or for the system's."""
    resolver = dns.asyncresolver.Resolver(configure=not servers)
    resolver.lifetime = _LIFETIME_SECONDS
    resolver.search = []
    if servers:
        hosts = []
        for text in servers:
            host, colon, port = text.rpartition(":")
            if colon and port.isdigit() and "]" not in port and host.count(":") in (0, 7):
                hosts.append(host.strip("[]"))
                resolver.port = int(port)
            else:
                hosts.append(text.strip("[]"))
        resolver.nameservers = hosts
    return resolver


def _values(question: Question, found: Any) -> Answer:
    match question.kind:
        case "NAPTR":
            return [
                Naptr(
                    one.order,
                    one.preference,
                    one.flags.decode("ascii", "replace"),
                    one.service.decode("ascii", "replace"),
                    one.replacement.to_text(),
                )
                for one in found
            ]
        case "SRV":
            return [Srv(one.priority, one.weight, one.port, one.target.to_text()) for one in found]
        case _:
            return [one.address for one in found]
