"""What would become of a call, told rule by rule without placing it.

The same functions decide as in the proxy: proxy/directory for numbers, rules and policies,
proxy/locate for ENUM and servers. Only which of equal rules is drawn, and what registers meanwhile,
is the proxy's to know. Where the Request-URI leads then is following.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.directory.proxy_rows import domain_row, rule_row
from fedsip_platform.federation import locating
from fedsip_platform.federation.locating import Located
from proxy.directory.numbers import normalised
from proxy.directory.rules import MOST_CANDIDATES
from proxy.directory.translate import Verdict, explain, facts_of
from proxy.sip.uri import SipUri

from . import following


@dataclass(slots=True)
class Trial:
    """Each step of the way of one call."""

    dialled: SipUri
    normalised: SipUri
    verdicts: list[Verdict]
    rules: dict[int, Translation]
    """By the number that verdicts have."""
    request_uri: SipUri
    way: list[str] = field(default_factory=list)
    """Where that leads, a sentence for each step."""
    located: list[Located] = field(default_factory=list)
    """What RFC 3263 finds, for each server that is tried."""
    status: int = 0
    """With which the call is refused; 0: it is not, as far as can be known beforehand."""
    targets: list[str] = field(default_factory=list)
    """The Request-URIs that are tried first."""

    @property
    def best(self) -> Verdict | None:
        """The rule that is applied, most likely where several share."""
        return next(iter(self.matching), None)

    @property
    def matching(self) -> list[Verdict]:
        """The rules that are tried, one after the other; of equals the likeliest first."""
        found = [one for one in self.verdicts if one.reason is None]
        found.sort(key=lambda one: (one.rule.priority, -one.rule.weight))
        return found[:MOST_CANDIDATES]


def try_call(
    domain: Domain,
    caller: str,
    dialled: str,
    *,
    user_agent: str = "",
    at: datetime,
    draft: Translation | None = None,
) -> Trial:
    """What a call of `caller` (the name of a user of the domain) to `dialled` becomes. `draft` is a
    rule of the domain that is not written yet, new or changed. Raises ServiceError for what is no
    SIP address."""
    uri = _dialled(dialled, domain)
    row = domain_row(domain)
    asked = normalised(row, uri)
    rows = {rule.pk: rule for rule in domain.translations.all()}
    if draft is not None:
        rows[draft.pk or 0] = draft
    agent = user_agent.encode()
    facts = facts_of(row, caller.encode(), asked, user_agent=agent, at=at.timestamp())
    verdicts = explain([rule_row(rule, domain) for rule in rows.values()], facts, asked)
    trial = Trial(uri, asked, verdicts, rows, asked)
    best = trial.best
    if best is not None and best.result is not None:
        trial.request_uri = best.result.uri
    following.follow(trial, domain, caller, user_agent=user_agent, at=at)
    return trial


def _dialled(text: str, domain: Domain) -> SipUri:
    bare = text.strip()
    address = bare if "@" in bare or bare.lower().startswith("sip") else f"{bare}@{domain.name}"
    uri = locating.read_uri(address)
    if not uri.user:
        raise ServiceError("dialled", _("%(text)s has no user to call.") % {"text": text})
    return uri


def shown_verdicts(trial: Trial, *, most: int) -> Iterable[dict[str, Any]]:
    """The rules for programs to read: all that match, and the first of those that do not."""
    left = most
    for verdict in trial.verdicts:
        if verdict.reason is not None:
            left -= 1
            if left < 0:
                continue
        rule, result = trial.rules[verdict.rule.translation_id], verdict.result
        yield {
            "id": str(rule.public_id),
            "priority": rule.priority,
            "weight": rule.weight,
            "note": rule.note,
            "match_regex": rule.match_regex,
            "matches": verdict.reason is None,
            "reason": verdict.reason or verdict.problem or "",
            "share": round(verdict.share, 4),
            "request_uri": "" if result is None else result.uri.serialise().decode(),
            "trunk": rule.tran_trunk if result is not None else "",
            "from_user": rule.tran_from_user if result is not None else "",
            "from_display": rule.tran_from_display if result is not None else "",
            "added": [] if result is None else [_line(pair) for pair in result.added],
            "removed": [] if result is None else [name.decode() for name in result.removed],
        }


def _line(pair: tuple[bytes, bytes]) -> str:
    return b": ".join(pair).decode("utf-8", "replace")
