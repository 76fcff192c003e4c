"""Who comes first: the step between admit and apply."""
