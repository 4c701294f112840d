"""What happened: call records, nodes and blocked sources, as the proxies report them."""
