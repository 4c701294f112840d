"""Sockets, flows and framing. Knows bytes and flows, not policy."""
