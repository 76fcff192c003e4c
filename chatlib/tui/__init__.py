"""The terminal client: what is seen, what is typed, and nothing of the wire."""
