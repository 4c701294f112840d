"""What tenants say about where calls go beyond rules: aliases, forwards, ring groups, trunks."""
