"""Telephone numbers to E.164 before the rules see them (SEED s3), by each domain's own country."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers

from proxy.core.request_context import RequestContext
from proxy.sip.uri import SipUri

_NUMBER = frozenset(b"0123456789+-.() ")


def normalise(call: RequestContext) -> None:
    """Write the called number with + and country code, when the domain wants it."""
    domain, uri = call.domain, call.request.uri
    if domain is None or not domain.e164 or not isinstance(uri, SipUri) or not uri.user:
        return
    if not _NUMBER.issuperset(uri.user):
        return
    number = to_e164(uri.user, domain.e164_country)
    if number is not None and number != uri.user:
        call.request.uri = uri.with_(user=number)


@lru_cache(maxsize=20_000)
def to_e164(user: bytes, country: bytes) -> bytes | None:
    """The number in E.164, or None when it is none of that country's: an extension stays."""
    try:
        parsed = phonenumbers.parse(user.decode("ascii"), country.decode("ascii") or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).encode()
