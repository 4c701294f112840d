"""The mechanism of proxying (RFC 3261 s16), without policy."""
