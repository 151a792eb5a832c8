"""Avro and ORC files."""
