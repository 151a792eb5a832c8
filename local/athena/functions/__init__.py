"""Functions and operators of Athena (Trino) in DuckDB's SQL. Others are refused by name."""
