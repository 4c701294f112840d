"""Domains, subscribers and translations: what a tenant configures.

The proxy never reads these tables, only the views of sql/views.sql; every write goes through
services.py. Validation lives here, so that REST, Django's admin and the CLI refuse the same things
with the same words. Django wants all models of an app in this module.
"""

from .domain import SERVED, Domain
from .policies import AS_THE_DOMAIN, LONGEST_CODECS, Federation, MediaPolicy, Srtp
from .subscriber import Subscriber, user_count
from .translation import Translation

__all__ = [
    "AS_THE_DOMAIN",
    "LONGEST_CODECS",
    "SERVED",
    "Domain",
    "Federation",
    "MediaPolicy",
    "Srtp",
    "Subscriber",
    "Translation",
    "user_count",
]
