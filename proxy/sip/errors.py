"""Errors of the SIP core: pure code raises these and nothing else.

SipError
├── ParseError        bytes that are no SIP, with the status to answer when one can be
├── TransactionError  a state machine was given an impossible input
└── DigestError       credentials that cannot be read
"""

from __future__ import annotations


class SipError(Exception):
    """Root of all errors of proxy.sip."""


class ParseError(SipError):
    """The bytes are not what the grammar says (RFC 3261 s25).

    `status_hint` is the status to answer a request with; None when no answer is possible.
    """

    def __init__(self, message: str, status_hint: int | None = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status_hint = status_hint


class TransactionError(SipError):
    """A transaction was given an input that cannot happen in its state."""


class DigestError(SipError):
    """Credentials or a challenge that cannot be read."""
