"""SRTP contexts and SDES keys."""
