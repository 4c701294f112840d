"""What the filters of long lists choose, on pages and in exports alike: all of it by words that a
person has typed or that stand in an address. What makes no sense asks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.utils.dateparse import parse_date

from fedsip_platform.audit.models import Entry
from fedsip_platform.calls import queries
from fedsip_platform.calls.models import CallRecord, FailedSignIn, LiveCall

M = TypeVar("M", bound=Model)
Asked = Mapping[str, Any]

OF_CALLS = ("q", "domain", "result", "status", "from", "to")
OF_SIGN_INS = ("user", "address")
OF_CHANGES = ("q", "kind", "via", "from", "to", "tenant")
LONGEST = 300
GOING_ON = "live"
"""As the result of calls: those that have none yet."""


def calls(rows: QuerySet[CallRecord], asked: Asked) -> QuerySet[CallRecord]:
    """Ended calls by who, domain, result, SIP status and days."""
    rows = _of_somebody(rows, asked)
    if (result := _word(asked, "result")) in queries.RESULTS:
        rows = rows.filter(queries.by_result(result))
    status = _word(asked, "status")
    if status.isascii() and status.isdigit() and len(status) == 3:
        rows = rows.filter(status=int(status), answered_at__isnull=True)
    return _between(rows, "started_at", asked)


def live_calls(rows: QuerySet[LiveCall], asked: Asked) -> QuerySet[LiveCall]:
    """Those that go on, by who, domain and days; none where calls that ended some way are meant."""
    if _word(asked, "result") not in ("", GOING_ON) or _word(asked, "status"):
        return rows.none()
    return _between(_of_somebody(rows, asked), "started_at", asked)


def sign_ins(rows: QuerySet[FailedSignIn], asked: Asked) -> QuerySet[FailedSignIn]:
    """Failed sign-ins of one user, and from one address."""
    if user := _word(asked, "user"):
        rows = rows.filter(aor=user.lower())
    if address := _word(asked, "address"):
        try:
            rows = rows.filter(address=str(ip_address(address)))
        except ValueError:
            return rows.none()
    return rows


def changes(rows: QuerySet[Entry], asked: Asked) -> QuerySet[Entry]:
    """Entries of the audit log by person or thing, kind, way, days and tenant ("-": of none)."""
    rows = rows.annotate(tenant_slug=F("tenant__slug"))
    if text := _word(asked, "q"):
        rows = rows.filter(Q(actor=text) | Q(key=text))
    for name in ("kind", "via"):
        if word := _word(asked, name):
            rows = rows.filter(**{name: word[:30]})
    if (slug := _word(asked, "tenant")) == "-":
        rows = rows.filter(tenant=None)
    elif slug:
        rows = rows.filter(tenant__slug=slug)
    return _between(rows, "at", asked)


def kept(asked: Asked, names: tuple[str, ...]) -> dict[str, str]:
    """The filters as a job keeps them."""
    words = {name: _word(asked, name) for name in names}
    return {name: word for name, word in words.items() if word}


def _of_somebody(rows: QuerySet[M], asked: Asked) -> QuerySet[M]:
    if text := _word(asked, "q"):
        rows = rows.filter(queries.of_user(text) | Q(call_id=text))
    if domain := _word(asked, "domain"):
        rows = rows.filter(domain__name=domain)
    return rows


def _word(asked: Asked, name: str) -> str:
    return str(asked.get(name, "")).strip()[:LONGEST].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _between(rows: QuerySet[M], field: str, asked: Asked) -> QuerySet[M]:
    """Of whole days, in UTC."""
    for name, lookup in (("from", "date__gte"), ("to", "date__lte")):
        day = _day(_word(asked, name))
        if day is not None:
            rows = rows.filter(**{f"{field}__{lookup}": day})
    return rows


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None
