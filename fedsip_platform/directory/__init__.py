"""What tenants configure: domains, subscribers, translations. Published to the proxy as SQL views."""
