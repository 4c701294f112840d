"""The tenant dashboard."""
