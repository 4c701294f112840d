"""Read model of tenants, domains, subscribers and translations."""
