"""Hive metastore of a Glue job run: Spark SQL on the Data Catalog."""
