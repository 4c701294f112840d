"""The Django project: tenants, directory, location, calls, API."""
