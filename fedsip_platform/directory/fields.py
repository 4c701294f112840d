"""Model fields that keep one normal form of what people type."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from . import names


def _as_text(value: Any) -> Any:
    """For queries: what people look for need not be well-formed."""
    return value if value is None else str(value)


class DomainNameField(models.CharField):
    """A domain, in lower case and punycode without trailing dot, however it was typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", names.LONGEST_DOMAIN)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return names.normal_domain(text) if text else text

    def get_prep_value(self, value: Any) -> Any:
        return _as_text(models.Field.get_prep_value(self, value))


class HostField(models.CharField):
    """The host of a SIP URI: a domain in normal form, an IPv4 address, an IPv6 one in brackets."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", names.LONGEST_DOMAIN)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return text
        text = text.strip()
        if text.startswith("["):
            names.check_host(text)
            return text.lower()
        return names.normal_domain(text)

    def get_prep_value(self, value: Any) -> Any:
        return _as_text(models.Field.get_prep_value(self, value))


class UsernameField(models.CharField):
    """The user part of an address of record, as phones must send it for their digest."""

    default_validators = [names.check_username]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", names.LONGEST_USERNAME)
        super().__init__(*args, **kwargs)


class CountryField(models.CharField):
    """An ISO 3166 country code in capitals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 2)
        super().__init__(*args, **kwargs)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return text
        text = text.upper()
        if not (len(text) == 2 and text.isascii() and text.isalpha()):
            raise ValidationError(_("Type two letters, such as US or DE."))
        return text

    def get_prep_value(self, value: Any) -> Any:
        return _as_text(models.Field.get_prep_value(self, value))
