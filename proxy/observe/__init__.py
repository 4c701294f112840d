"""Call records and heartbeats. Nothing depends on it being there."""
