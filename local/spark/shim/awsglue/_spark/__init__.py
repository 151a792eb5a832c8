"""Spark expressions behind `DynamicFrame`. Not part of AWS's `awsglue`."""
