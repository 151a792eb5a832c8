"""Glue job runs for the local AWS emulator: each run executes its script in a process."""
