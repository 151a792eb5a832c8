"""Writes rows to files of every format that the local Athena reads, and these files to S3."""
