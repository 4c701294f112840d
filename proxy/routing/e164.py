"""Telephone numbers to E.164 before the rules see them, where the caller's domain wants it.

The E.164 step of docs/behaviour.md s3; how a number is read is proxy/directory/numbers.py.
"""

from __future__ import annotations

from proxy.core.request_context import RequestContext
from proxy.directory.numbers import normalised
from proxy.sip.uri import SipUri

from .translation import TRANSLATED


def normalise(call: RequestContext) -> None:
    """Write the called number with + and country code, when the domain wants it."""
    domain, uri = call.domain, call.request.uri
    if domain is None or call.method not in TRANSLATED or not isinstance(uri, SipUri):
        return
    made = normalised(domain, uri)
    if made is not uri:
        call.request.uri = made
