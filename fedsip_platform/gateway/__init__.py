"""Browsers' SIP over WebSocket (RFC 7118): from the web process to the proxy, unread."""
