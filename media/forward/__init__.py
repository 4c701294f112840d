"""Engines that move packets by rules."""
