"""Session descriptions (RFC 8866): parse, rewrite, serialise. Pure."""
