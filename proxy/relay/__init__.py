"""How the proxy talks to media relays (NG protocol)."""
