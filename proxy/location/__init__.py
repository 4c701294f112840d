"""Registrations: the rules, the in-memory replica and its writing to PostgreSQL."""
