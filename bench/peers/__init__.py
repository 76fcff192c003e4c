"""What the broker is measured beside."""
