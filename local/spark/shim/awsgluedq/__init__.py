"""The part of AWS's `awsgluedq` that scripts use."""
