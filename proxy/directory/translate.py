"""Translations: which rules match a request, in which order, and what a rule makes of it.

Pure; docs/behaviour.md s4. The proxy and whatever previews a rule call the same functions, so that
what an administrator previews is what the proxy does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from proxy.sip.errors import ParseError
from proxy.sip.scan import is_token
from proxy.sip.uri import SipUri, parse_uri, unescape

from .header_lines import PROTECTED_HEADERS, is_one_line
from .hours import HoursError, is_open, parse_hours
from .model import Domain, Translation
from .patterns import MAX_TEXT, PatternError, compile_pattern


class TranslationError(Exception):
    """A rule makes something that is no SIP URI, or a header that cannot be one."""

    def __init__(self, rule: Translation, why: str) -> None:
        super().__init__(f"rule {rule.translation_id}: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    from_user: bytes
    user_agent: bytes
    request_user: bytes
    """Unescaped user part of the Request-URI."""
    request_domain: bytes
    at: float = 0.0
    """Seconds since the epoch."""
    time_zone: str = "UTC"
    """Of the caller's domain."""


@dataclass(frozen=True, slots=True)
class Translated:
    """What a rule made."""

    uri: SipUri
    added: tuple[tuple[bytes, bytes], ...]
    removed: tuple[bytes, ...]
    rule: Translation


def facts_of(
    domain: Domain, from_user: bytes, uri: SipUri, *, user_agent: bytes, at: float
) -> Facts:
    """What the rules of a domain look at, of a call of its user to a URI; `at` since the epoch."""
    return Facts(
        from_user=from_user,
        user_agent=user_agent,
        request_user=unescape(uri.user or b""),
        request_domain=uri.host.lower(),
        at=at,
        time_zone=domain.time_zone,
    )


def mismatch(rule: Translation, facts: Facts) -> str | None:
    """Why a rule does not match apart from its pattern; None when it does."""
    if rule.from_username and rule.from_username.lower() != facts.from_user.lower():
        return f"the caller is not {rule.from_username.decode(errors='replace')}"
    if rule.match_user_agent and not facts.user_agent.startswith(rule.match_user_agent):
        return f"the phone is no {rule.match_user_agent.decode(errors='replace')}"
    if rule.request_domain and rule.request_domain != facts.request_domain:
        return f"the called domain is not {rule.request_domain.decode(errors='replace')}"
    if rule.valid_from is not None and facts.at < rule.valid_from:
        return "the rule is not valid yet"
    if rule.valid_until is not None and facts.at >= rule.valid_until:
        return "the rule is valid no more"
    if rule.hours and not _is_open(rule.hours, facts):
        return f"it is not within {rule.hours} ({facts.time_zone})"
    return None


_hours = lru_cache(maxsize=4096)(parse_hours)


def _is_open(hours: str, facts: Facts) -> bool:
    try:
        return is_open(_hours(hours), datetime.fromtimestamp(facts.at, ZoneInfo(facts.time_zone)))
    except (HoursError, KeyError, ValueError):  # written past the services
        return False


def apply(rule: Translation, uri: SipUri) -> Translated:
    """What the rule makes of a Request-URI; raises TranslationError."""
    user = unescape(uri.user or b"")
    if rule.tran_user:
        user = _expanded(rule, user)
    else:
        user = rule.tran_prefix + _stripped(user, rule.tran_strip)
    port = uri.port
    if rule.tran_port is not None:
        port = rule.tran_port
    elif rule.tran_strip_port:
        port = None
    if rule.tran_domain:
        uri = uri.without_params(b"maddr")  # the caller's word for where the old host is
    made = uri.with_(user=escaped_user(user), host=rule.tran_domain or uri.host, port=port)
    try:
        parsed = parse_uri(made.serialise()) if user else None
    except ParseError as error:
        raise TranslationError(rule, error.message) from error
    if not isinstance(parsed, SipUri):
        raise TranslationError(rule, "no user is left to call")
    if not is_one_line(rule.tran_from_display):
        raise TranslationError(rule, "the caller's name has line ends or control characters")
    return Translated(parsed, _added(rule), _removed(rule), rule)


def _stripped(user: bytes, count: int) -> bytes:
    """Without its first characters, which may be several bytes each."""
    if user.isascii():
        return user[count:]
    return user.decode("utf-8", "surrogateescape")[count:].encode("utf-8", "surrogateescape")


def _expanded(rule: Translation, user: bytes) -> bytes:
    r"""`tran_user` with \0..\9 replaced by what the pattern captured."""
    template = rule.tran_user
    if b"\\" not in template or not rule.match_regex:
        return template
    try:
        found: Any = compile_pattern(rule.match_regex).search(user.decode("utf-8", "replace"))
    except PatternError as why:  # mypyc gives a name one type in a function
        raise TranslationError(rule, str(why)) from why
    if found is None:
        return template
    parts = template.split(b"\\")
    out = [parts[0]]
    for part in parts[1:]:
        group = part[:1]
        if not group.isdigit():
            raise TranslationError(rule, "a backslash names no group")
        try:
            captured = found.group(int(group)) or ""
        except IndexError as error:
            raise TranslationError(rule, f"there is no group {int(group)}") from error
        out += (captured.encode(), part[1:])
    return b"".join(out)


def escaped_user(user: bytes) -> bytes:
    """The user part of a URI, with % where it needs one (RFC 3261 s25.1)."""
    return b"".join(bytes((byte,)) if byte in _USER_SAFE else b"%%%02X" % byte for byte in user)


_USER_SAFE = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/"
)


# A rule that could write these would reroute, break or forge what the proxy itself answers for.
_NOT_TO_ADD: Final = frozenset(name.encode() for name in PROTECTED_HEADERS)


def _added(rule: Translation) -> tuple[tuple[bytes, bytes], ...]:
    if not rule.tran_add_header:
        return ()
    return tuple(_header(rule, line) for line in rule.tran_add_header.split(b"\n"))


def _removed(rule: Translation) -> tuple[bytes, ...]:
    names = tuple(name.strip().lower() for name in rule.tran_remove_header.split(b",") if name)
    for name in names:
        if name in _NOT_TO_ADD:
            raise TranslationError(rule, f"it may not remove {name.decode()}")
    return names


def _header(rule: Translation, line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    name, value = name.strip().lower(), value.strip()
    if not colon or not is_token(name) or any(byte < 0x20 and byte != 9 for byte in value):
        raise TranslationError(rule, "the header is no `Name: value`")
    if name in _NOT_TO_ADD:
        raise TranslationError(rule, f"it may not add {name.decode()}")
    return name, value


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one rule for a request, for the one who wrote it."""

    rule: Translation
    reason: str | None
    """Why it does not match; None when it does."""
    share: float
    """How often it is tried first, 0 to 1."""
    result: Translated | None
    """What it makes of the Request-URI."""
    problem: str | None
    """Why it makes nothing, although it matches."""


def explain(rules: Sequence[Translation], facts: Facts, uri: SipUri) -> list[Verdict]:
    """Each rule of a domain in the order of trying, with what it does or why it does nothing.

    Says what Rules.candidates and apply do, without drawing: rules of equal priority share.
    """
    ordered = sorted(rules, key=lambda rule: (rule.priority, rule.translation_id))
    reasons = [_reason(rule, facts) for rule in ordered]
    first = [rule for rule, reason in zip(ordered, reasons, strict=True) if reason is None]
    best = [rule for rule in first if rule.priority == first[0].priority]
    total = sum(max(rule.weight, 0) for rule in best)
    verdicts = []
    for rule, reason in zip(ordered, reasons, strict=True):
        result, problem = None, None
        if reason is None:
            try:
                result = apply(rule, uri)
            except TranslationError as error:
                problem = str(error)
        share = 0.0
        if any(rule is one for one in best):
            share = max(rule.weight, 0) / total if total else float(rule is best[0])
        verdicts.append(Verdict(rule, reason, share, result, problem))
    return verdicts


def _reason(rule: Translation, facts: Facts) -> str | None:
    if not rule.enabled:
        return "the rule is switched off"
    if (reason := mismatch(rule, facts)) is not None:
        return reason
    if not rule.match_regex:
        return None
    text = facts.request_user.decode("utf-8", "replace")
    try:
        is_found = compile_pattern(rule.match_regex).search(text) is not None
    except PatternError as error:
        return f"the expression does not work: {error}"
    if not is_found or len(text) > MAX_TEXT:
        return f"{rule.match_regex} is not found in the called user"
    return None
