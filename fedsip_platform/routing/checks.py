"""Checks of what stands in single fields of this app's models."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# As proxy/directory/destination_class.py tells them apart.
CLASSES = [
    ("domains", _("other SIP domains")),
    ("emergency", _("emergency numbers")),
    ("toll_free", _("toll-free numbers")),
    ("national", _("numbers of the home country")),
    ("mobile", _("mobile numbers of the home country")),
    ("international", _("numbers of other countries")),
    ("premium", _("premium-rate numbers")),
    ("other", _("other numbers over a trunk")),
]
# Larger ones would let strangers in as a carrier.
LARGEST = {4: 24, 6: 48}
SHORTEST_INTERVAL = 5


def all_classes() -> list[str]:
    """Every kind of destination."""
    return [name for name, _ in CLASSES]


def check_network(text: str) -> None:
    """Refuse what is no address or network, or one that is too large to be a carrier's."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(
            _("%(text)s is no address or network: %(error)s.") % {"text": text, "error": error}
        ) from error
    if network.prefixlen < LARGEST[network.version]:
        raise ValidationError(
            _("%(text)s is too large: use networks of /%(value)s at most.")
            % {"text": text, "value": LARGEST[network.version]}
        )


def check_interval(seconds: int) -> None:
    """Refuse pings that would be a flood."""
    if 0 < seconds < SHORTEST_INTERVAL:
        raise ValidationError(
            _("Use 0 or at least %(shortest_interval)s seconds.")
            % {"shortest_interval": SHORTEST_INTERVAL}
        )
