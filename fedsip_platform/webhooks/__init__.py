"""Webhooks: tenants' programs are told what happens, at least once, signed."""
