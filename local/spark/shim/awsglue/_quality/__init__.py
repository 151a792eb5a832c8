"""Data quality rules in DQDL, evaluated with Spark. Not part of AWS's `awsglue`: `awsgluedq` exports it."""
