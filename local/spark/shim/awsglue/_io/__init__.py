"""Files and tables: how `GlueContext` reads and writes them. Not part of AWS's package."""
