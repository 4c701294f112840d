"""Translations: which rules match a request, in which order, and what a rule makes of it (SEED s4).

Pure. The proxy, REST validation and the "try it" box call the same functions, so that what an
administrator previews is what the proxy does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.sip.errors import ParseError
from proxy.sip.uri import SipUri, parse_uri, unescape

from .model import Translation
from .patterns import PatternSet, compile_pattern


class TranslationError(Exception):
    """A rule makes something that is no SIP URI, or a header that cannot be one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules look at."""

    from_user: bytes
    user_agent: bytes
    request_user: bytes
    """Unescaped user part of the Request-URI."""
    request_domain: bytes


@dataclass(frozen=True, slots=True)
class Translated:
    """What a rule made."""

    uri: SipUri
    header: tuple[bytes, bytes] | None
    rule: Translation


class Rules:
    """The enabled rules of one domain, ready to match: priorities ascending."""

    __slots__ = ("_by_pattern", "_patterns", "_plain", "rules")

    def __init__(self, rules: Sequence[Translation]) -> None:
        self.rules = sorted(
            (rule for rule in rules if rule.enabled),
            key=lambda rule: (rule.priority, rule.translation_id),
        )
        patterns: dict[str, list[int]] = {}
        self._plain: list[int] = []
        for at, rule in enumerate(self.rules):
            if rule.match_regex:
                patterns.setdefault(rule.match_regex, []).append(at)
            else:
                self._plain.append(at)
        self._by_pattern = list(patterns.values())
        self._patterns = PatternSet(list(patterns))

    def __len__(self) -> int:
        return len(self.rules)

    def candidates(self, facts: Facts, draw: Callable[[], float]) -> list[Translation]:
        """The rules that match, in the order of trying: by priority, equals by weighted draw.

        `draw()` gives a number in [0, 1).
        """
        positions = list(self._plain)
        if len(self.rules) > len(self._plain):
            text = facts.request_user.decode("utf-8", "replace")
            for number in self._patterns.matching(text):
                positions += self._by_pattern[number]
        positions.sort()
        matching = [self.rules[at] for at in positions if mismatch(self.rules[at], facts) is None]
        ordered: list[Translation] = []
        while matching:
            first = matching[0].priority
            group = [rule for rule in matching if rule.priority == first]
            matching = matching[len(group) :]
            ordered += _weighted(group, draw)
        return ordered


def _weighted(group: list[Translation], draw: Callable[[], float]) -> list[Translation]:
    ordered = []
    while len(group) > 1:
        total = sum(max(rule.weight, 0) for rule in group)
        point = draw() * total
        for rule in group:
            point -= max(rule.weight, 0)
            if point < 0:
                break
        else:
            rule = group[0]
        group = [one for one in group if one is not rule]
        ordered.append(rule)
    return ordered + group


def mismatch(rule: Translation, facts: Facts) -> str | None:
    """Why a rule does not match apart from its pattern; None when it does."""
    if rule.from_username and rule.from_username != facts.from_user:
        return f"the caller is not {rule.from_username.decode(errors='replace')}"
    if rule.match_user_agent and not facts.user_agent.startswith(rule.match_user_agent):
        return f"the phone is no {rule.match_user_agent.decode(errors='replace')}"
    if rule.request_domain and rule.request_domain != facts.request_domain:
        return f"the called domain is not {rule.request_domain.decode(errors='replace')}"
    return None


def apply(rule: Translation, uri: SipUri) -> Translated:
    """What the rule makes of a Request-URI; raises TranslationError."""
    user = unescape(uri.user or b"")
    user = _expanded(rule, user) if rule.tran_user else rule.tran_prefix + user[rule.tran_strip :]
    port = uri.port
    if rule.tran_port is not None:
        port = rule.tran_port
    elif rule.tran_strip_port:
        port = None
    made = uri.with_(user=_escaped(user), host=rule.tran_domain or uri.host, port=port)
    try:
        parsed = parse_uri(made.serialise())
    except ParseError as error:
        raise TranslationError(f"rule {rule.translation_id}: {error.message}") from error
    if not isinstance(parsed, SipUri) or not user:
        raise TranslationError(f"rule {rule.translation_id} leaves no user to call")
    return Translated(parsed, _header(rule), rule)


def _expanded(rule: Translation, user: bytes) -> bytes:
    r"""`tran_user` with \0..\9 replaced by what the pattern captured."""
    template = rule.tran_user
    if b"\\" not in template or not rule.match_regex:
        return template
    found: Any = compile_pattern(rule.match_regex).search(user.decode("utf-8", "replace"))
    if found is None:
        return template
    parts = template.split(b"\\")
    out = [parts[0]]
    for part in parts[1:]:
        group = part[:1]
        if not group.isdigit():
            raise TranslationError(f"rule {rule.translation_id}: a backslash names no group")
        try:
            captured = found.group(int(group)) or ""
        except IndexError as error:
            raise TranslationError(
                f"rule {rule.translation_id} has no group {int(group)}"
            ) from error
        out += (captured.encode(), part[1:])
    return b"".join(out)


_USER_SAFE = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()&=+$,;?/"
)


def _escaped(user: bytes) -> bytes:
    return b"".join(bytes((byte,)) if byte in _USER_SAFE else b"%%%02X" % byte for byte in user)


def _header(rule: Translation) -> tuple[bytes, bytes] | None:
    if not rule.tran_add_header:
        return None
    name, colon, value = rule.tran_add_header.partition(b":")
    if not colon or any(byte in rule.tran_add_header for byte in b"\r\n\0"):
        raise TranslationError(f"rule {rule.translation_id}: the header is no `Name: value`")
    return name.strip().lower(), value.strip()
