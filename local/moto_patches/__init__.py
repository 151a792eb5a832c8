"""Patches of moto: missing calls, AWS behavior that moto lacks, and speed."""
