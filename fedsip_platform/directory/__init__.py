"""What tenants configure: domains, subscribers, translations; the proxy sees it as SQL views."""
