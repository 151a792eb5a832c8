"""Types of values in files that have types: JSON, Parquet, ORC and Avro."""
