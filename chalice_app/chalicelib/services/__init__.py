"""What a caller can request: one class per noun, one method per request."""
