"""The part of AWS's `awsglue` that scripts use, on plain Spark and boto3.

AWS publishes no release that runs outside Glue. Unsupported features raise an error with their name, so that
a script never behaves differently without notice.
"""

from .dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]
