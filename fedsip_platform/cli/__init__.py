"""The administrator's words on the command line, as Django commands over directory.services."""
