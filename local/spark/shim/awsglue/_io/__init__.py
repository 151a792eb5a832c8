"""Readers and writers of `GlueContext`. Not part of AWS's package."""
