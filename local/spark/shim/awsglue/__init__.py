"""The part of AWS's `awsglue` that scripts use, on plain Spark and boto3.

AWS publishes no release that runs outside Glue. Unsupported features raise an error with their name, so that
a script never behaves differently without notice. Modules import downwards only:

- `context`, with `_context`: what a script calls to read and write; `job`: start, commit and bookmarks
- `data_source`, `data_sink`, `transforms`; `_quality`: the rules that `awsgluedq` exports
- `dynamicframe`; `_io`: formats of files, tables of the Data Catalog, and bookmarks
- `_spark`: expressions of Spark behind the transforms
- `gluetypes`: types of Glue's schemas; `utils`: arguments of a job
"""

from .dynamicframe import DynamicFrame

__all__ = ["DynamicFrame"]
