"""Who uses the platform: tenants, people and their roles."""
