"""The data folder: its databases, tables and partitions, and what `_table.toml` says about them."""
