"""The policies that a call met, as people and programs read them. Pure.

The words are proxy/observe/policies.py's. What was so then may have been changed since.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import CallRecord, LiveCall

MEDIA = {
    "always": gettext_lazy("by our relay, as a policy says always"),
    "encryption": gettext_lazy("by our relay, as one side must encrypt"),
    "codecs": gettext_lazy("by our relay, as one side may use certain codecs alone"),
    "kinds": gettext_lazy("by our relay, between a browser and a phone"),
    "nat": gettext_lazy("by our relay, as one side is behind a NAT"),
    "family": gettext_lazy("by our relay, between IPv4 and IPv6"),
    "never": gettext_lazy("directly, as the policies say"),
    "plain": gettext_lazy("directly, as nothing needed a relay"),
    "spiral": gettext_lazy("as when the call passed here before"),
    "browsers": gettext_lazy(
        "directly between browsers, by our relay if they do not reach each other"
    ),
}
"""Why it goes by a relay, or not."""
FEDERATION = {
    "open": gettext_lazy("open to all domains"),
    "verified_tls": gettext_lazy("open to domains that prove who they are"),
    "allow_list": gettext_lazy("open to listed domains"),
    "closed": gettext_lazy("closed"),
    "denied": gettext_lazy("the platform has no calls with that domain"),
}
_RELAYS = {
    "always": gettext_lazy("always by a relay"),
    "auto": gettext_lazy("by a relay where needed"),
    "never": gettext_lazy("never by a relay"),
}
_SRTP = {
    "off": gettext_lazy("no SRTP of ours"),
    "offered": gettext_lazy("SRTP offered"),
    "required": gettext_lazy("SRTP required"),
    "either": gettext_lazy("SRTP required, after it had refused plain RTP"),
    "dtls": gettext_lazy("DTLS-SRTP required"),
}
_FLAGS = {
    "tls": gettext_lazy("TLS required"),
    "open": gettext_lazy("no credentials asked"),
    "e164": gettext_lazy("numbers made E.164"),
    "alias": gettext_lazy("address of the NAT written into Contact"),
    "nat": gettext_lazy("behind a NAT"),
}
_VERDICTS = {
    "rule": gettext_lazy("a rule for that domain decided"),
    "verified": gettext_lazy("proof by certificate asked"),
    "trusted": gettext_lazy("trusted with identities of callers"),
}


MEDIA_POLICIES = (*_RELAYS, "")
SRTP_POLICIES = (*_SRTP, "")


@dataclass(frozen=True, slots=True)
class Side:
    """What held for one side; all empty where nothing is known of it."""

    media_policy: str = ""
    srtp: str = ""
    codecs: tuple[str, ...] = ()
    require_tls: bool = False
    unauthenticated: bool = False
    e164: bool = False
    nat_alias_contact: bool = False
    is_behind_nat: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """What was thought of a call from or to another domain."""

    policy: str
    by_rule: bool = False
    verified: bool = False
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Policies:
    """None where nothing is known of a side, or the call did not cross to another domain."""

    caller: Side | None = None
    callee: Side | None = None
    media: str = ""
    """A word of MEDIA."""
    federation_in: Crossing | None = None
    federation_out: Crossing | None = None


def policies_of(text: str) -> Policies:
    """As programs read them; `text` as the record has it."""
    words = _words(text)
    return Policies(
        _side(words.get("caller")),
        _side(words.get("callee")),
        words.get("media", ""),
        _crossing(words.get("federation_in")),
        _crossing(words.get("federation_out")),
    )


@lru_cache(maxsize=1024)
def as_json(text: str) -> Mapping[str, Any]:
    """The same as REST has them; calls of the same users mostly have the same."""
    return asdict(policies_of(text))


def said(call: CallRecord | LiveCall) -> list[tuple[str, str]]:
    """As people read them: of what, and what held."""
    words = _words(call.policies)
    titles = {
        "media": (_("Media"), _media),
        "caller": (_("Caller's side"), _of_side),
        "callee": (_("Callee's side"), _of_side),
        "federation_in": (_("From other domains"), _of_crossing),
        "federation_out": (_("To other domains"), _of_crossing),
    }
    return [(title, tell(words[name])) for name, (title, tell) in titles.items() if name in words]


def _words(text: str) -> dict[str, str]:
    found = {}
    for word in text.split():
        name, _equals, values = word.partition("=")
        found[name] = values
    return found


def _side(values: str | None) -> Side | None:
    if values is None:
        return None
    named, flags = _values(values)
    return Side(
        named.get("relay", ""),
        named.get("srtp", ""),
        tuple(named["codecs"].split("+")) if "codecs" in named else (),
        "tls" in flags,
        "open" in flags,
        "e164" in flags,
        "alias" in flags,
        "nat" in flags,
    )


def _crossing(values: str | None) -> Crossing | None:
    if values is None:
        return None
    policy, *more = values.split(",")
    return Crossing(policy, "rule" in more, "verified" in more, "trusted" in more)


def _values(values: str) -> tuple[dict[str, str], list[str]]:
    """Those with a name, and the others."""
    named, flags = {}, []
    for value in values.split(","):
        name, colon, rest = value.partition(":")
        if colon:
            named[name] = rest
        else:
            flags.append(value)
    return named, flags


def _media(word: str) -> str:
    return str(MEDIA.get(word, word))


def _of_side(values: str) -> str:
    named, flags = _values(values)
    parts = [_RELAYS.get(named.get("relay", "")), _SRTP.get(named.get("srtp", ""))]
    if "codecs" in named:
        codecs = named["codecs"].replace("+", ", ")
        parts.append(_("codecs %(codecs)s alone") % {"codecs": codecs})
    parts += [_FLAGS.get(flag) for flag in flags]
    return "; ".join(str(part) for part in parts if part)


def _of_crossing(values: str) -> str:
    policy, *more = values.split(",")
    parts = [FEDERATION.get(policy, policy), *(_VERDICTS.get(word) for word in more)]
    return "; ".join(str(part) for part in parts if part)
