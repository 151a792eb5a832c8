"""The data folder of a release: reads it, checks it, and prepares files that every engine reads alike.

`folder` finds the folders of tables and reads their `_table.toml`. Each format has a room with a function
`prepare`, which returns the content of a table: `csv`, `json`, `parquet`, `records` (Avro and ORC) and
`sheets`. `text` and `typed` are what they share. Faults are collected, so that one run shows all of them.
"""
