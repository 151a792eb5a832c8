"""Athena queries of environments."""
