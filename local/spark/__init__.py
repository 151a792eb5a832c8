"""Spark as Glue has it, on a laptop: from the pip packages, with s3:// as folders and a quick start."""
