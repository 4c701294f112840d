"""Which of the last weeks' calls a rule would have sent elsewhere, before it is put in force.

The calls on record are sent through the rules twice, as they are and with the new one, by the
proxy's own functions. Rules of equal priority share calls by lot in the proxy; here the first of
them always wins, so that what differs is the rule's doing and not the lot's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from fedsip_platform.calls.models import CallRecord
from fedsip_platform.changes import ServiceError
from fedsip_platform.directory.models import Domain, Translation
from fedsip_platform.directory.proxy_rows import domain_row, rule_row
from fedsip_platform.federation import locating
from proxy.directory.numbers import normalised
from proxy.directory.rules import Rules
from proxy.directory.translate import Facts, TranslationError, apply, facts_of
from proxy.sip.uri import SipUri

LOOKED_BACK = timedelta(days=30)
MOST_CALLS = 5000
MOST_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Changed:
    """A call that would have gone elsewhere."""

    call: CallRecord
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule would have done."""

    calls: int
    """How many were looked at."""
    is_all: bool
    """Whether those were all of the time that is looked back on."""
    amount: int
    shown: list[Changed]


def of_rule(rule: Translation, calls: QuerySet[CallRecord], *, now: datetime) -> Effect:
    """What would have become of the rule's domain's calls with the rule as it is in memory, beside
    what became of them with the rules that are in force."""
    domain = rule.domain
    rows = [rule_row(each, domain) for each in domain.translations.all()]
    new = rule_row(rule, domain)
    before = Rules(rows)
    after = Rules([*(row for row in rows if row.translation_id != new.translation_id), new])
    recent = calls.filter(domain=domain, started_at__gt=now - LOOKED_BACK)
    found = list(recent.order_by("-started_at")[: MOST_CALLS + 1])
    looked_at = [call for call in found[:MOST_CALLS] if _is_from(call, domain)]
    changed = list(_changed(looked_at, domain, before, after))
    return Effect(len(looked_at), len(found) <= MOST_CALLS, len(changed), changed[:MOST_SHOWN])


def _changed(
    calls: Iterable[CallRecord], domain: Domain, before: Rules, after: Rules
) -> Iterable[Changed]:
    row = domain_row(domain)
    for call in calls:
        try:
            uri = normalised(row, locating.read_uri(call.request_uri or call.callee))
        except ServiceError:  # nobody's dial plan: a record of something odd
            continue
        facts = _facts(call, domain, uri)
        one, other = _result(before, facts, uri), _result(after, facts, uri)
        if one != other:
            yield Changed(call, one, other)


def _result(rules: Rules, facts: Facts, uri: SipUri) -> str:
    candidates = rules.candidates(facts, lambda: 0.0)
    if not candidates:
        return uri.serialise().decode("utf-8", "replace")
    try:
        made = apply(candidates[0], uri).uri.serialise().decode("utf-8", "replace")
    except TranslationError as error:
        return f"500 {error}"
    trunk = candidates[0].tran_trunk.decode()
    return f"{made} ({trunk})" if trunk else made


def _facts(call: CallRecord, domain: Domain, uri: SipUri) -> Facts:
    return facts_of(
        domain_row(domain),
        _user_of(call.caller).encode(),
        uri,
        user_agent=call.user_agent.encode(),
        at=call.started_at.timestamp(),
    )


def _is_from(call: CallRecord, domain: Domain) -> bool:
    return call.caller.rpartition("@")[2].partition(";")[0].lower() == domain.name


def _user_of(uri: str) -> str:
    return uri.partition(":")[2].rpartition("@")[0]
