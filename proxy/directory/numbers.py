"""Telephone numbers as they were dialled, to E.164, by a domain's own country. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from proxy.sip.uri import SipUri

from .model import Domain

_NUMBER: Final = frozenset(b"0123456789+-.() ")
_NANP: Final = 1


def normalised(domain: Domain, uri: SipUri) -> SipUri:
    """The URI with its number in E.164, or itself when there is nothing to write so."""
    if not domain.e164 or not uri.user or not _NUMBER.issuperset(uri.user):
        return uri
    number = to_e164(uri.user, domain.e164_country)
    return uri if number is None or number == uri.user else uri.with_(user=number)


def to_e164(user: bytes, country: bytes) -> bytes | None:
    """The number in E.164, or None when it is none: an extension stays what it is.

    First as it is dialled in that country; then, for whole numbers of other countries that were
    dialled without their +, as an international one.
    """
    if len(user) > LONGEST_REMEMBERED:
        return _to_e164(user, country)
    return _remembered_e164(user, country)


LONGEST_REMEMBERED: Final = 64  # characters: a stranger's long ones must not fill the memory


@lru_cache(maxsize=20_000)
def _remembered_e164(user: bytes, country: bytes) -> bytes | None:
    return _to_e164(user, country)


def _to_e164(user: bytes, country: bytes) -> bytes | None:
    text = user.decode("ascii")
    number = _parsed(text, country.decode("ascii"))
    if number is None and text[0] in "23456789":
        number = _parsed("+" + text, "")
    if number is None:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164).encode()


def _parsed(text: str, country: str) -> PhoneNumber | None:
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    if number.country_code == _NANP:
        # Any NPA-NXX-XXXX with N from 2 to 9 counts, assigned or not.
        digits = str(number.national_number)
        is_number = len(digits) == 10 and digits[0] > "1" and digits[3] > "1"
    else:
        is_number = phonenumbers.is_valid_number(number)
    return number if is_number else None
