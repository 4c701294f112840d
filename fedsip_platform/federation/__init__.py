"""What domains allow with other domains, and what came of it."""
