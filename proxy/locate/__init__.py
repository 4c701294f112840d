"""Locating SIP servers by DNS (RFC 3263)."""
