"""Moving in from other servers, and out again: tables as CSV, JSON, SQL dump or SQLite."""
