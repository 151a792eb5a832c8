"""Values and rules: no AWS call, no input or output."""
