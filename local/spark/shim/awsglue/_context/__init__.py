"""Methods of `GlueContext` that read and write. Not part of AWS's package."""
