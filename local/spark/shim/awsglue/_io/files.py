"""Files below S3 paths, as Hadoop's file system lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.types import StructField


@dataclass(frozen=True)
class File:
    """A file with its modification time in milliseconds and its size in bytes."""

    path: str
    modified: int
    size: int
    root: str
    """The path that was listed."""


@dataclass(frozen=True)
class Input:
    """Files or folders to read, with the columns that the names of folders below `base` contain."""

    paths: Sequence[str]
    base: str = ""
    partitions: Sequence[StructField] = ()
    recurse: bool = False

    def of(self, paths: Sequence[str]) -> Input:
        """Return the same with other paths."""
        return replace(self, paths=paths)

    @property
    def options(self) -> dict[str, Any]:
        """Spark's options."""
        base = {"basePath": self.base} if self.base and not self.recurse else {}
        return base | {"recursiveFileLookup": self.recurse}


def list_files(spark: SparkSession, paths: Iterable[str], recurse: bool) -> list[File]:
    """Return the data files below paths, sorted by path.

    Without `recurse`, only folders of partitions (`key=value`) are searched, as Spark does. Hidden files and
    folders are skipped. Raises `FileNotFoundError` for a path that does not exist.
    """
    found: dict[str, File] = {}
    for path in paths:
        file_system, root = _open(spark, path)
        statuses = file_system.globStatus(root)
        if not statuses:
            raise FileNotFoundError(f"The path {path} does not exist.")
        for status in statuses:
            for file in _walk(file_system, status, recurse):
                found.setdefault(file.path, file)
    return sorted(found.values(), key=lambda file: file.path)


def _walk(file_system: Any, root: Any, recurse: bool) -> Iterator[File]:
    base = root.getPath().toString()
    if not root.isDirectory():
        yield File(base, root.getModificationTime(), root.getLen(), base)
        return
    pending = [root.getPath()]
    while pending:
        for status in file_system.listStatus(pending.pop()):
            name = status.getPath().getName()
            if name.startswith(("_", ".")) and "=" not in name:
                continue
            if status.isDirectory():
                if recurse or "=" in name:
                    pending.append(status.getPath())
            else:
                path = status.getPath().toString()
                yield File(path, status.getModificationTime(), status.getLen(), base)


def partitioned(files: Iterable[File]) -> bool:
    """Return whether all files are in folders `key=value` with the same keys below their root."""
    folders = {tuple(file.path.removeprefix(file.root).strip("/").split("/")[:-1]) for file in files}
    keys = {tuple(name.partition("=")[:2] for name in names) for names in folders}
    return len(keys) == 1 and all(sign for names in keys for _, sign in names)


def exists(spark: SparkSession, path: str) -> bool:
    """Return whether a file or folder exists."""
    file_system, root = _open(spark, path)
    return bool(file_system.exists(root))


def delete(spark: SparkSession, path: str) -> None:
    """Delete a file."""
    file_system, root = _open(spark, path)
    file_system.delete(root, False)


def first_line(spark: SparkSession, path: str) -> str:
    """Return the first line of a text file, without a byte order mark. Decompresses by the file's name."""
    file_system, root = _open(spark, path)
    hadoop: Any = spark.sparkContext._jvm.org.apache.hadoop  # type: ignore[union-attr]
    codec = hadoop.io.compress.CompressionCodecFactory(file_system.getConf()).getCodec(root)
    stream = file_system.open(root)
    try:
        source = codec.createInputStream(stream) if codec else stream
        line = hadoop.io.Text()
        hadoop.util.LineReader(source).readLine(line)
        return str(line.toString()).removeprefix("\ufeff")
    finally:
        stream.close()


def without_excluded(files: Sequence[File], exclusions: str | Sequence[str]) -> list[File]:
    """Return the files that match no glob pattern. `exclusions` is a JSON list of patterns, or a list.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-connect-s3-home.html
    A pattern matches a whole path, or the part of it below the bucket or below the path of the source.
    """
    patterns = json.loads(exclusions) if isinstance(exclusions, str) else exclusions
    matches = [re.compile(_regex(pattern), re.DOTALL).fullmatch for pattern in patterns]

    def is_excluded(file: File) -> bool:
        below_bucket = file.path.partition("://")[2].partition("/")[2]
        below_root = file.path.removeprefix(file.root).lstrip("/")
        return any(match(name) for match in matches for name in (file.path, below_bucket, below_root))

    return [file for file in files if not is_excluded(file)]


def _regex(pattern: str) -> str:
    """Return the regular expression of a glob pattern: `**` crosses folders, `*` and `?` do not."""
    # https://docs.aws.amazon.com/glue/latest/dg/define-crawler-choose-data-sources.html
    result, depth = "", 0
    for part in re.findall(r"\*\*|\[!?[^\]]+\]|\\.|.", pattern, re.DOTALL):
        if part == "{":
            depth += 1
        simple = {"**": ".*", "*": "[^/]*", "?": "[^/]", "{": "(?:"}
        if part == "}" and depth:
            depth -= 1
            result += ")"
        elif part == "," and depth:
            result += "|"
        elif part in simple:
            result += simple[part]
        elif len(part) > 1 and part[0] == "[":
            result += part.replace("[!", "[^", 1)
        else:
            result += re.escape(part[-1])
    return result


def _open(spark: SparkSession, path: str) -> tuple[Any, Any]:
    jvm: Any = spark.sparkContext._jvm
    root = jvm.org.apache.hadoop.fs.Path(path)
    hadoop: Any = spark.sparkContext._jsc
    return root.getFileSystem(hadoop.hadoopConfiguration()), root
