"""The service: one module per noun, one thin module per AWS service."""
