"""Paths, processes and progress output that all commands share."""
