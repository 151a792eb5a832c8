"""Injection of AWS faults by rules (docs/faults.md)."""
