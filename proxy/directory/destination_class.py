"""What kind of destination a called user is, a number of which class or a name, and whether an
outbound policy allows it. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import phonenumbers
from phonenumbers import PhoneNumberType

from .numbers import LONGEST_REMEMBERED
from .patterns import PatternError, compile_pattern

if TYPE_CHECKING:
    from .model import OutboundPolicy

_KINDS: Final = {
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.MOBILE: "mobile",
}


def class_of(user: bytes, country: bytes, *, is_domain: bool) -> str:
    """One of the classes of outbound policies; `is_domain` when the call goes to another SIP domain
    and not over a trunk, where only what begins with + is a number."""
    if is_domain and not user.startswith(b"+"):
        return "domains"
    is_long = len(user) > LONGEST_REMEMBERED
    found = _class_of_number(user, country) if is_long else _remembered_class(user, country)
    return "domains" if found == "other" and is_domain else found


def is_allowed(policy: OutboundPolicy, user: bytes, kind: str) -> bool:
    """Whether who is bound by the policy may call that user, who is of that class."""
    text = user.decode("utf-8", "replace")
    if policy.deny_regex and _is_found(policy.deny_regex, text, otherwise=True):
        return False
    if kind in policy.classes:
        return True
    return bool(policy.allow_regex) and _is_found(policy.allow_regex, text, otherwise=False)


def _is_found(pattern: str, text: str, *, otherwise: bool) -> bool:
    try:
        return compile_pattern(pattern).search(text) is not None
    except PatternError:  # refused on entry; written past the services it must let nobody out
        return otherwise


@lru_cache(maxsize=20_000)
def _remembered_class(user: bytes, country: bytes) -> str:
    return _class_of_number(user, country)


def _class_of_number(user: bytes, country: bytes) -> str:
    home = country.decode("ascii", "replace")
    try:
        text = user.decode("ascii")
        if home and phonenumbers.is_emergency_number(text, home):
            return "emergency"
        number = phonenumbers.parse(text, home or None)
    except (UnicodeDecodeError, phonenumbers.NumberParseException):
        return "other"
    if not phonenumbers.is_possible_number(number):
        return "other"
    kind = _KINDS.get(phonenumbers.number_type(number), "national")
    if kind == "premium":
        return kind
    if phonenumbers.country_code_for_region(home) != number.country_code:
        return "international"
    return kind
