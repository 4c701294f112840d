"""The locator: drives the selection of rfc3263.py with real DNS answers, and remembers them.

Positive and negative answers are kept for their TTL, failures for a short while; equal questions in
flight are asked once. A URI whose answers are all in memory is located without waiting, and its
hops are remembered: one order where nothing was drawn, else a few orders that change all the time.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar

import dns.asyncresolver
import dns.exception
import dns.message
import dns.rdatatype
import dns.resolver

from proxy.settings import SettingsError
from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri, split_host_port

from . import enum
from .hop import Hop, Place
from .inside import Guard, InnerAddress
from .name_server import NameServer
from .records import Naptr, Srv
from .rfc3263 import Answer, LocateError, Question, Selection, Speaks, locate
from .turns import Turns

if TYPE_CHECKING:
    from proxy.settings import ProxySettings

__all__ = ["InnerAddress", "LocateError", "Locator"]

log = logging.getLogger(__name__)

_MOST_ANSWERS: Final = 50_000
_MOST_RECORDS: Final = 256
_MOST_QUESTIONS: Final = 64
"""Of one selection: a zone that leads from name to name for ever is left."""
_MOST_FLYING: Final = 5_000
_EACH_PASS: Final = 2
"""Questions and answers: each takes some tenths of a ms, and calls to known names must not wait."""
_PORT: Final = 53
_NEGATIVE_SECONDS: Final = 30.0
_FAILED_SECONDS: Final = 15.0
_LONGEST_SECONDS: Final = 3600.0
_QUESTION_SECONDS: Final = 4.0
_TRY_SECONDS: Final = 1.5
_SELECTION_SECONDS: Final = 10.0
_FRESH: Final = 0.9
"""After this part of their time answers that are still in use are asked for again."""
_ALWAYS: Final = float("inf")
_MOST_LOCATED: Final = 10_000
_DRAWN_ORDERS: Final = 16
"""So many draws are remembered of weighted hops, and one of them drawn each time..."""
_DRAWN_AGAIN: Final = 4
"""... but each fourth time a new one takes the place of the oldest: in the long run each server has
what its weight says, at a quarter of what drawing costs."""

_Found = TypeVar("_Found")
_Asking = Generator[Question, Answer, _Found]
_Key = tuple[bytes, bytes, int | None, bytes | None, bytes | None]


class _Located:
    """Where a URI leads, until the first of the answers ends."""

    __slots__ = ("_hops", "_is_drawn", "_used", "orders", "questions", "refreshed_from", "until")

    def __init__(
        self, questions: list[Question], until: float, is_drawn: bool, *, now: float
    ) -> None:
        self.questions = questions
        self.until = until
        self.refreshed_from = now + (until - now) * _FRESH
        self._is_drawn = is_drawn
        self.orders: deque[list[Hop]] = deque(maxlen=_DRAWN_ORDERS)
        self._hops: dict[Hop, Hop] = {}
        self._used = 0

    def order(self, draw: Callable[[], float]) -> list[Hop] | None:
        """The order to try now; None when one more is to be added first."""
        if not self._is_drawn:
            return self.orders[0]
        self._used += 1
        if len(self.orders) < _DRAWN_ORDERS or not self._used % _DRAWN_AGAIN:
            return None
        return self.orders[int(draw() * _DRAWN_ORDERS)]

    def add(self, order: list[Hop]) -> None:
        """One more order of the same hops, which are kept once."""
        self.orders.append([self._hops.setdefault(hop, hop) for hop in order])


def _nobody(host: bytes, port: int | None) -> bool:
    return False


class Locator:
    """RFC 3263 and ENUM for this node. `are_ours` knows the other nodes of the cluster by host and
    port: they are reached wherever they are."""

    __slots__ = (
        "_answers",
        "_are_ours",
        "_clock",
        "_dead",
        "_dead_seconds",
        "_draw",
        "_flying",
        "_guard",
        "_located",
        "_most_answers",
        "_most_flying",
        "_resolver",
        "_selection_seconds",
        "_speaks",
    )

    def __init__(
        self,
        settings: ProxySettings,
        *,
        are_ours: Callable[[bytes, int | None], bool] = _nobody,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        question_seconds: float = _QUESTION_SECONDS,
        selection_seconds: float = _SELECTION_SECONDS,
        most_answers: int = _MOST_ANSWERS,
        most_flying: int = _MOST_FLYING,
    ) -> None:
        spoken = (("udp", settings.udp), ("tcp", settings.tcp), ("tls", settings.tls))
        self._speaks = Speaks(
            tuple(name for name, is_on in spoken if is_on), settings.ipv4, settings.ipv6
        )
        self._guard = Guard(settings.inner_networks, settings.service_ports)
        self._are_ours = are_ours
        self._answers: OrderedDict[Question, tuple[float, Answer | LocateError]] = OrderedDict()
        self._flying: dict[Question, asyncio.Task[Answer]] = {}
        self._located: dict[_Key, _Located] = {}
        self._dead: dict[Place, float] = {}
        self._dead_seconds = settings.dead_hop_seconds
        self._clock = clock
        self._draw = draw
        self._resolver = make_resolver(settings.dns_servers)
        self._resolver.lifetime = question_seconds
        self._selection_seconds = selection_seconds
        self._most_answers = most_answers
        self._most_flying = most_flying

    def listens_at(self, listeners: Iterable[tuple[str, str, int]]) -> None:
        """This node's listeners, each as address, host as others reach it, port: names are asked
        for in their families alone (RFC 7984 s4), where loopback counts only if there is nothing
        else; and they say which inner addresses may be sent to (inside.py)."""
        listeners = list(listeners)
        self._guard.listens_at(listeners)
        listening = [ip_address(address) for address, _, _ in listeners]
        outside = [address for address in listening if not address.is_loopback] or listening
        families = {address.version for address in outside}
        self._speaks = replace(self._speaks, asks_a=4 in families, asks_aaaa=6 in families)
        self._located.clear()

    # -- locating

    def locate_now(self, uri: SipUri, *, now: float) -> list[Hop] | None:
        """The hops, if that needs no DNS answer that is not in memory; raises LocateError, and
        InnerAddress where none of them may be sent to."""
        key = (uri.scheme, uri.host, uri.port, uri.param(b"transport"), uri.param(b"maddr"))
        clock = self._clock()
        known = self._located.get(key)
        if known is not None and known.until > clock:
            if known.refreshed_from <= clock:
                self._refresh(known)
            order = known.order(self._draw)
            if order is not None:
                return self._living_first(order, now)
        until = _ALWAYS
        is_drawn = False
        questions: list[Question] = []

        def draw() -> float:
            nonlocal is_drawn
            is_drawn = True
            return self._draw()

        selection = locate(uri, self._speaks, draw)
        try:
            question = next(selection)
            while True:
                held = self._answers.get(question)
                if held is None or held[0] <= clock:
                    return None
                until = min(until, held[0])
                questions.append(question)
                question = _tell(selection, held[1])
        except StopIteration as done:
            hops = self.permitted(uri, done.value)
        if known is None or known.until != until:
            if len(self._located) >= _MOST_LOCATED:
                self._located.clear()
            known = self._located[key] = _Located(questions, until, is_drawn, now=clock)
        known.add(hops)
        return self._living_first(hops, now)

    def _refresh(self, known: _Located) -> None:
        """Ask again before the answers end: who is called all the time never waits for the DNS."""
        known.refreshed_from = _ALWAYS
        for question in known.questions:
            held = self._answers.get(question)
            if held is not None and held[0] <= known.until:
                self._asked(question)

    async def locate(self, uri: SipUri, *, now: float) -> list[Hop]:
        """The hops in the order of trying; raises LocateError, and InnerAddress where none of them
        may be sent to."""
        hops = await self._drive(locate(uri, self._speaks, self._draw), uri.host_text)
        return self._living_first(self.permitted(uri, hops), now)

    def permitted(self, uri: SipUri, hops: list[Hop]) -> list[Hop]:
        """Those of a URI's hops that may be sent to; raises InnerAddress when there are none."""
        try:
            return self._guard.permitted(hops)
        except InnerAddress:
            if uri.param(b"maddr") is None and self._are_ours(uri.host, uri.port):
                return hops
            raise

    async def enum(self, number: str, roots: Sequence[str]) -> list[SipUri]:
        """The SIP URIs of an E.164 number (RFC 6116), best first; [] when there is none."""
        try:
            return await self._drive(enum.look_up(number, roots), number)
        except LocateError as error:
            log.info("ENUM failed number=%s: %s", number, error)
            return []

    def selection(self, uri: SipUri) -> Selection:
        """The selection for a URI, for somebody else to drive (explain.py)."""
        return locate(uri, self._speaks, self._draw)

    async def ask(self, question: Question) -> tuple[Answer | LocateError, float]:
        """The answer to one question, and for how many seconds it holds."""
        outcome = await self._outcome(question)
        held = self._answers.get(question)
        return outcome, max(0.0, held[0] - self._clock()) if held is not None else 0.0

    def failed(self, hop: Hop, *, now: float) -> None:
        """A hop did not answer: for a while it is tried last."""
        if len(self._dead) > 10_000:
            self._dead.clear()
        self._dead[hop.place] = now + self._dead_seconds

    def _living_first(self, hops: list[Hop], now: float) -> list[Hop]:
        if not self._dead or len(hops) < 2:
            return hops
        return sorted(hops, key=lambda hop: self._dead.get(hop.place, 0.0) > now)

    async def close(self) -> None:
        """Ask nothing more."""
        flying = list(self._flying.values())
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        close_servers(self._resolver)

    # -- asking

    async def _drive(self, selection: _Asking[_Found], about: str) -> _Found:
        try:
            async with asyncio.timeout(self._selection_seconds):
                question = next(selection)
                for _ in range(_MOST_QUESTIONS):
                    question = _tell(selection, await self._outcome(question))
        except StopIteration as done:
            found: _Found = done.value
            return found
        except TimeoutError as error:
            raise LocateError(f"{about}: the DNS takes too long") from error
        raise LocateError(f"{about}: the DNS leads on and on")

    def _held(self, question: Question) -> Answer | LocateError | None:
        """What is known, if that still holds."""
        held = self._answers.get(question)
        return held[1] if held is not None and held[0] > self._clock() else None

    async def _outcome(self, question: Question) -> Answer | LocateError:
        held = self._held(question)
        if held is not None:
            return held
        for further in question.along:
            self._ask_ahead(further)
        try:
            return await asyncio.shield(self._asked(question))
        except LocateError as error:
            return error

    def _ask_ahead(self, question: Question) -> None:
        if self._held(question) is None:
            self._asked(question)

    def _asked(self, question: Question) -> asyncio.Task[Answer]:
        flying = self._flying.get(question)
        if flying is None:
            flying = asyncio.get_running_loop().create_task(self._resolve(question))
            self._flying[question] = flying
            flying.add_done_callback(lambda done: self._landed(question, done))
        return flying

    def _landed(self, question: Question, done: asyncio.Task[Answer]) -> None:
        del self._flying[question]
        if not done.cancelled():
            done.exception()  # whoever still waits has it; nobody may

    async def _resolve(self, question: Question) -> Answer:
        if question.name == "localhost" or question.name.endswith(".localhost"):
            return self._remember(question, _loopback(question), _LONGEST_SECONDS)
        if len(self._flying) > self._most_flying:
            raise LocateError(f"{question.kind} {question.name}: too many questions under way")
        try:
            found = await self._resolver.resolve(question.name, question.kind)
        except dns.resolver.NoAnswer as error:
            return self._remember(question, [], _negative_ttl(error.kwargs.get("response")))
        except dns.resolver.NXDOMAIN as error:
            responses = error.kwargs.get("responses") or {}
            return self._remember(question, [], _negative_ttl(next(iter(responses.values()), None)))
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            failure = LocateError(f"{question.kind} {question.name}: {_first_line(error)}")
            if self._held(question) is None:  # else it was asked for again, before its time
                self._keep(question, failure, _FAILED_SECONDS)
            raise failure from error
        return self._remember(
            question, values_of(question, found), float(found.chaining_result.minimum_ttl)
        )

    def _remember(self, question: Question, answer: Answer, seconds: float) -> Answer:
        self._keep(question, answer, max(1.0, min(seconds, _LONGEST_SECONDS)))
        return answer

    def _keep(self, question: Question, outcome: Answer | LocateError, seconds: float) -> None:
        self._answers[question] = (self._clock() + seconds, outcome)
        self._answers.move_to_end(question)
        if len(self._answers) > self._most_answers:
            self._answers.popitem(last=False)


def _tell(selection: _Asking[Any], outcome: Answer | LocateError) -> Question:
    """Give the outcome to the generator; its next question. A failure that is remembered is raised
    as a copy: each raising would make its traceback longer."""
    if isinstance(outcome, LocateError):
        return selection.throw(LocateError(str(outcome)))
    return selection.send(outcome)


def make_resolver(
    servers: tuple[str, ...], *, configuration: str = "/etc/resolv.conf"
) -> dns.asyncresolver.Resolver:
    """A resolver for these servers, `host` or `host:port`, or for the system's.

    Raises SettingsError for one that is no address.
    """
    try:
        resolver = dns.asyncresolver.Resolver(configuration, configure=not servers)
    except dns.resolver.NoResolverConfiguration as error:
        log.warning("no DNS servers configured on this machine, asking 127.0.0.1: %s", error)
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers = ["127.0.0.1"]
    resolver.timeout = _TRY_SECONDS
    resolver.search = []
    turns = Turns(_EACH_PASS)
    resolver.nameservers = [
        _server(text, turns) for text in servers or map(str, resolver.nameservers)
    ]
    return resolver


def close_servers(resolver: dns.asyncresolver.Resolver) -> None:
    """Let go of the sockets by which its servers are asked."""
    for server in resolver.nameservers:
        if isinstance(server, NameServer):
            server.close()


def _server(text: str, turns: Turns) -> NameServer:
    try:
        if text.count(":") > 1 and not text.startswith("["):
            return NameServer(str(ip_address(text)), _PORT, turns)
        host, port = split_host_port(text.encode("ascii"))
        address = str(ip_address(host.strip(b"[]").decode("ascii")))
    except (ParseError, ValueError) as error:
        raise SettingsError(f"FEDSIP_SIP_DNS_SERVERS: {text!r} is no address.") from error
    return NameServer(address, port or _PORT, turns)


def _negative_ttl(response: dns.message.Message | None) -> float:
    """How long nothing stays nothing: the SOA's minimum or TTL, whichever is less (RFC 2308 s5)."""
    for rrset in response.authority if response is not None else ():
        if rrset.rdtype == dns.rdatatype.SOA:
            minimum: int = rrset[0].minimum
            return float(min(rrset.ttl, minimum))
    return _NEGATIVE_SECONDS


def _loopback(question: Question) -> Answer:
    """localhost is not asked for (RFC 6761 s6.3)."""
    return {"A": ["127.0.0.1"], "AAAA": ["::1"]}.get(question.kind, [])


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).partition("\n")[0]


def values_of(question: Question, found: Any) -> Answer:
    """Records of the library as ours."""
    records = list(found)[:_MOST_RECORDS]
    match question.kind:
        case "NAPTR":
            return [
                Naptr(
                    one.order,
                    one.preference,
                    one.flags.decode("ascii", "replace"),
                    one.service.decode("ascii", "replace"),
                    one.replacement.to_text(),
                    one.regexp.decode("ascii", "replace"),
                )
                for one in records
            ]
        case "SRV":
            return [
                Srv(one.priority, one.weight, one.port, one.target.to_text()) for one in records
            ]
        case "TXT":
            return [b"".join(one.strings).decode("utf-8", "replace") for one in records]
        case _:
            return [one.address for one in records]
