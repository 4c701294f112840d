"""SRTP: suites and SDES keys, which are pure; contexts, which are libsrtp's (srtp/context.py)."""

from media.srtp.sdes import Crypto, parse_crypto
from media.srtp.suite import BY_DTLS_NAME, BY_SDES_NAME, SUITES, Suite

__all__ = ["BY_DTLS_NAME", "BY_SDES_NAME", "SUITES", "Crypto", "Suite", "parse_crypto"]
