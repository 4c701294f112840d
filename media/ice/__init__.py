"""STUN and ICE-lite."""
