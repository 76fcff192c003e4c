"""Where events are kept: the Store protocol, and the stores that keep it."""
