"""How a foreign domain is found, told to people: the decision tree of RFC 3263, and who answers.

As the proxies do it: names are asked for in the families of the addresses at which they listen, or
in those of the settings while none of them is alive.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from fedsip_platform.calls import nodes
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory import names
from proxy.locate.explain import Explanation, explain
from proxy.locate.resolver import Locator
from proxy.settings import ProxySettings
from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri, parse_uri
from proxy.transport.probe import Probe, probe

Listeners = Collection[tuple[str, str, int]]
"""Address, host as others reach it, port."""


@dataclass(frozen=True, slots=True)
class Located:
    """A URI, how it was located, and what each hop said where it was asked."""

    uri: str
    explanation: Explanation
    probes: tuple[Probe, ...] = ()


def read_uri(text: str) -> SipUri:
    """The SIP URI that somebody typed; a bare address or domain will do. Raises ServiceError."""
    text = text.strip()
    if not text.lower().startswith(("sip:", "sips:")):
        text = f"sip:{text}"
    scheme, _colon, rest = text.partition(":")
    try:
        uri = parse_uri(f"{scheme.lower()}:{_in_ascii(rest)}".encode())
    except (ParseError, UnicodeError) as error:
        raise ServiceError(
            "uri", _("%(text)s is no SIP address: %(error)s.") % {"text": text, "error": error}
        ) from error
    except ValidationError as error:
        raise ServiceError("uri", " ".join(error.messages)) from error
    if not isinstance(uri, SipUri):
        raise ServiceError("uri", _("%(text)s is no SIP address.") % {"text": text})
    return uri


def locate(uri: SipUri, *, ask_hops: bool) -> Located:
    """Ask the DNS, and the hops if wanted; waits for all of it."""
    listeners = nodes.listeners(now=timezone.now())
    return asyncio.run(_locate(uri, listeners, ask_hops=ask_hops))


def enum(number: str) -> list[SipUri]:
    """What ENUM has for a number in E.164; waits for it."""
    return asyncio.run(_enum(number))


@asynccontextmanager
async def _locator(settings: ProxySettings, listeners: Listeners) -> AsyncIterator[Locator]:
    locator = Locator(settings)
    if listeners:
        locator.listens_at(listeners)
    try:
        yield locator
    finally:
        await locator.close()


async def _enum(number: str) -> list[SipUri]:
    settings = ProxySettings.from_env()
    async with _locator(settings, ()) as locator:
        return await locator.enum(number, settings.enum_roots)


async def _locate(uri: SipUri, listeners: Listeners, *, ask_hops: bool) -> Located:
    settings = ProxySettings.from_env()
    async with _locator(settings, listeners) as locator:
        explanation = await explain(uri, locator)
    probes: list[Probe] = []
    if ask_hops:
        asked = [probe(hop, trust=settings.trust_path) for hop in explanation.hops]
        probes = await asyncio.gather(*asked)
    return Located(uri.serialise().decode(), explanation, tuple(probes))


def _in_ascii(rest: str) -> str:
    """A name that was typed with letters of its own language, as the DNS has it (RFC 5890)."""
    if rest.isascii():
        return rest
    user, at, host = rest.rpartition("@")
    end = min((host.find(mark) for mark in ":;?" if mark in host), default=len(host))
    return f"{user}{at}{names.normal_domain(host[:end])}{host[end:]}"
