"""Where subscribers are reached now. The proxy writes it; the web only reads, and signs out."""
