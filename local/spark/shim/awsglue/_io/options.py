"""Values of options as scripts write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Options = Mapping[str, Any] | None
"""Options of a source or a sink."""

# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-connect-s3-home.html
LISTING = ("paths", "path", "recurse", "exclusions", "boundedFiles", "attachFilename")
# Hints that change the speed or the listing of S3, never the rows.
HINTS = (
    *("groupFiles", "groupSize", "maxBand", "maxFilesInBand", "useS3ListImplementation", "isFailFast"),
    *("compressionType", "mergeSchema", "useSparkDataSource", "useCatalogSchema", "jobBookmarkKeys"),
    *("jobBookmarkKeysSortOrder", "jobBookmarksKeysSortOrder", "useGlueParquetReader", "inFlightPartitions"),
    *("acquireListingLease", "excludeStorageClasses", "partitionIndex", "enablePartitionFiltering"),
)


def flag(options: Mapping[str, Any], name: str) -> bool:
    """Return a truth value, which scripts also write as the string "true" or "false"."""
    value = options.get(name, False)
    return value.strip().lower() in ("true", "1") if isinstance(value, str) else bool(value)


def names(value: str | Sequence[str] | None) -> list[str]:
    """Return a list of paths or columns, which scripts also write as one string."""
    return [value] if isinstance(value, str) else list(value or ())


def folder(path: str) -> str:
    """Return a path without a slash at the end, which only the root of a bucket keeps."""
    stripped = path.rstrip("/")
    return stripped if "/" in stripped.partition("://")[2] or "://" not in path else f"{stripped}/"


def database_of(database: str | None, kwargs: dict[str, Any]) -> str:
    """Return the database, which older scripts call `name_space`."""
    return str(given("database", database or kwargs.pop("name_space", None)))


def given(name: str, value: Any) -> Any:
    """Return a parameter. Raises `ValueError` if it is missing."""
    if value is None:
        raise ValueError(f"The parameter {name} is missing.")
    return value
