"""The policy: what this platform does with a request. Start at route.py."""
