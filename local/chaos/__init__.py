"""A bench in simulated time: the whole service in a storm of faults (docs/faults.md)."""
