"""Spark as in Glue, from pip packages, with local folders behind s3:// and a fast start."""
