"""What kind of destination a called user is: a number of which class, or a name. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberType

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
    found = _class_of_number(user, country)
    return "domains" if found == "other" and is_domain else found


@lru_cache(maxsize=20_000)
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
