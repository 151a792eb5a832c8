"""AWS clients: one module per service, wrapping only the calls that are needed."""
