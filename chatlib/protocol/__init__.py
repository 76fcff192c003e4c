"""The wire, version 1, as values: what docs/protocol.md says, and nothing of who says it when."""
