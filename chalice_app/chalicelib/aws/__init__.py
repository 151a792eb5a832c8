"""AWS clients: one subject per module, wrapping only the calls that are needed."""
