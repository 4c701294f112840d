"""The launcher: starts, watches and stops every process of one machine. Needs no Django."""
