"""Faults of AWS, injected by rule: docs/faults.md."""
