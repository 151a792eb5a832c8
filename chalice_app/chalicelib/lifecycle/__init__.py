"""Life cycle of an environment: its steps, driven by AWS events and the tick."""
