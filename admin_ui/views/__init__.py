"""One file for each page of the dashboard; each view is thin and leaves writes to services."""
