"""Athena for the local AWS emulator: moto's workgroups, with queries that DuckDB runs."""
