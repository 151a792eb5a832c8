"""How an environment moves from one status to the next, driven by ticks and AWS events."""
