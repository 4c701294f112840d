"""DTLS-SRTP: fingerprints, which are pure; the relay's certificate and its handshakes."""

from media.dtls.fingerprint import Fingerprint, fingerprint_of, matches, parse_fingerprint

__all__ = ["Fingerprint", "fingerprint_of", "matches", "parse_fingerprint"]
