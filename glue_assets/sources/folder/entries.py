"""Entries of the data folder: what is there, what tools leave behind, and which names cannot be published."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from glue_assets.sources.names import column_names
from glue_assets.sources.problems import Problems, read_failure

# Bytes of a key in S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html, less what
# precedes `<database>/<table>/<path>` in the assets bucket: releases/<release>/data/ and _original/
_PATH_BYTES = 1024 - len("releases//data/_original/") - (64 + 1 + 12)
_NAME_BYTES = 240  # file systems have 255, and converted files have longer endings

# What operating systems, editors, archives and Hadoop leave in folders, and what explains data.
# Names that begin with . or _ are hidden anyway (.DS_Store, ._a.csv, .~lock.a.ods#, __MACOSX, _SUCCESS).
_LEFTOVERS = re.compile(
    r"thumbs\.db|ehthumbs\.db|desktop\.ini|icon\r|~\$.*|.*~|.*\.(crc|lnk|url|md|md5|sha1|sha256|rst|pdf)"
    r"|\$recycle\.bin|system volume information|lost\+found|@eadir"
    r"|(readme|license|licence|notice|copying|changelog)(\.txt|\.html)?"
)
# Hadoop reads : as the end of a URI's scheme (HADOOP-14217), { } [ ] * ? as patterns of names, and \ as their
# escape; S3 advises against the others:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html#object-key-guidelines
_UNSAFE = re.compile(r'[\\:*?"<>|{}\[\]^`#]')


@dataclass(frozen=True)
class Entries:
    """What a folder contains, sorted by name. `ignored` are the files that are not data."""

    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    ignored: tuple[Path, ...] = ()


def entries(folder: Path, problems: Problems) -> Entries:
    """Return the entries of a folder. Records those that cannot be read."""
    try:
        found = sorted(folder.iterdir(), key=lambda path: path.name)
    except OSError as exc:
        problems.add(folder, read_failure(exc))
        return Entries()
    folders, files, ignored = [], [], []
    for path in found:
        if _LEFTOVERS.fullmatch(path.name.lower()) or path.name[0] in "._":
            ignored.append(path)
        elif _is_folder(path, problems):
            folders.append(path)
        elif _is_readable(path, problems):
            files.append(path)
    return Entries(tuple(folders), tuple(files), tuple(ignored))


def _is_folder(path: Path, problems: Problems) -> bool:
    try:
        is_folder = path.is_dir()
    except OSError:  # _is_readable finds it again, and records it
        return False
    if is_folder and path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve()):
        return False
    return is_folder


def _is_readable(path: Path, problems: Problems) -> bool:
    """Return whether a file can be read. Opening a pipe would wait for its writer."""
    try:
        if path.is_dir():
            problems.add(path, "is a link to a folder that contains the link; remove the link")
            return False
        if not stat.S_ISREG(path.stat().st_mode):
            problems.add(path, "is not a file, but a device, pipe or socket; remove it")
            return False
        with path.open("rb"):
            return True
    except OSError as exc:
        problems.add(path, read_failure(exc))
        return False


def check_path(root: Path, path: Path, problems: Problems) -> bool:
    """Return whether a path below the data folder can be a key in S3. Records why not."""
    below = path.relative_to(root).as_posix()
    try:
        size = len(below.encode())
    except UnicodeEncodeError:
        problems.add(path, f"has a name that is not UTF-8; rename it, for example to {_plain(path)}")
        return False
    if not path.name.isprintable():
        problems.add(path, "has a name with control characters; rename it")
    elif size > _PATH_BYTES:
        problems.add(
            path, f"has a path of {size:,} bytes, but S3 has room for {_PATH_BYTES}; shorten the names"
        )
    elif not path.is_dir() and len(path.name.encode()) > _NAME_BYTES:
        problems.add(path, f"has a name of more than {_NAME_BYTES} bytes; shorten it")
    else:
        return True
    return False


def safe_name(name: str) -> str:
    """Return the name of a file without the characters that readers of S3 take for something else."""
    name = _UNSAFE.sub("_", name)
    return name[:-3] + ".gz" if name.lower().endswith(".gz") else name  # Hadoop does not know `.GZ`


def safe_partition(name: str) -> str:
    """Return the name of a partition's folder with such characters escaped as Hive does."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", name)


def column_name(text: str) -> str:
    """Return the legal name for a text, by the rule of names."""
    [name] = column_names([text])
    return name


def _plain(path: Path) -> str:
    return column_name(path.stem) + path.suffix


def listed(paths: Iterable[Path]) -> str:
    """Return the names of files for a sentence, at most five."""
    names = [path.name for path in paths]
    return ", ".join(names[:5]) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
