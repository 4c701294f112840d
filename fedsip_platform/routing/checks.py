"""Checks of what stands in single fields of this app's models."""

from __future__ import annotations

import ipaddress

from django.core.exceptions import ValidationError

# As proxy/directory/destination_class.py tells them apart.
CLASSES = [
    ("domains", "other SIP domains"),
    ("emergency", "emergency numbers"),
    ("toll_free", "toll-free numbers"),
    ("national", "numbers of the home country"),
    ("mobile", "mobile numbers of the home country"),
    ("international", "numbers of other countries"),
    ("premium", "premium-rate numbers"),
    ("other", "other numbers over a trunk"),
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
        raise ValidationError(f"{text} is no address or network: {error}.") from error
    if network.prefixlen < LARGEST[network.version]:
        raise ValidationError(
            f"{text} is too large: use networks of /{LARGEST[network.version]} at most."
        )


def check_interval(seconds: int) -> None:
    """Refuse pings that would be a flood."""
    if 0 < seconds < SHORTEST_INTERVAL:
        raise ValidationError(f"Use 0 or at least {SHORTEST_INTERVAL} seconds.")
