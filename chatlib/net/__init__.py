"""Where ZeroMQ sockets are made: the broker's loop and the client's threads."""
