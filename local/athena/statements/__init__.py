"""Statements other than SELECT: their syntax, and what they do to the Data Catalog and S3."""
