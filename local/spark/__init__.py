"""Spark as in Glue, from pip packages, with a file system for s3:// and a fast start."""
