"""Chaos test: the whole service in simulated time, under a storm of faults (docs/faults.md)."""
