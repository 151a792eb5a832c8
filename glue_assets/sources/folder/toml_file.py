"""A TOML file of a data folder: its values, and the lines on which they are, for the faults."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue_assets.sources.problems import Problems, read_failure

_SYNTAX = re.compile(r"(.*) \(at line (\d+), column (\d+)\)")
_TWICE = re.compile(r"Cannot (overwrite a value|declare .* twice)")
_KEY = re.compile(r"[\s\[]*[\"']?([\w. -]*\w)[\"']?\s*[=\]]")
_EXAMPLE = 'values are written as in separator = ";" or header = true (https://toml.io)'


@dataclass
class TomlFile:
    """The values of a file, and where to record its faults. A missing file has no values."""

    path: Path
    problems: Problems
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def fault(self, message: str, key: str | None = None, section: str | None = None) -> None:
        """Record a fault, with the line of a key."""
        self.problems.add(self.path, message, None if key is None else self._line(key, section))

    def _line(self, key: str, section: str | None) -> int | None:
        """Return the line of `key = ...` in a section, or that of the section `[key]`."""
        within, wanted = None, rf"(?:{re.escape(key)}|\"{re.escape(key)}\"|'{re.escape(key)}')"
        for number, line in enumerate(self.text.splitlines(), 1):
            if re.match(rf"\s*\[\s*{wanted}\s*\]", line) and section is None:
                return number
            if heading := re.match(r"\s*\[\s*([^\]\[]+?)\s*\]", line):
                within = heading[1]
            elif re.match(rf"\s*{wanted}\s*[=.]", line) and within == section:
                return number
        # A section can also be written as one line: columns = {id = "The order"}
        return None if section is None else self._line(section, None)


def read(path: Path, problems: Problems) -> TomlFile:
    """Return a TOML file. Records why it cannot be read."""
    file = TomlFile(path, problems)
    try:
        file.text = path.read_text(encoding="utf-8-sig")
        file.values = tomllib.loads(file.text)
    except FileNotFoundError:
        if path.is_symlink():
            file.fault("is a link to a file that does not exist; remove the link, or write the file")
    except OSError as exc:
        file.fault(read_failure(exc))
    except UnicodeDecodeError:
        file.fault("is not UTF-8; save the file with the encoding UTF-8")
    except RecursionError:
        file.fault(f"has too many brackets within brackets; {_EXAMPLE}")
    except tomllib.TOMLDecodeError as exc:
        match = _SYNTAX.fullmatch(str(exc))
        what, line, column = match.groups() if match else (str(exc), None, None)
        if _TWICE.match(what):
            number = int(line) if line else len(file.text.rstrip().splitlines())
            if key := _KEY.match(file.text.splitlines()[number - 1]):
                advice = "write it once, either as a value or as a section"
                problems.add(path, f"{key[1]} occurs twice; {advice}", number)
                return file
        where = f", column {column}" if column else ""
        problems.add(path, f"is not valid TOML: {what}{where}; {_EXAMPLE}", int(line) if line else None)
    return file


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Return the known name that resembles a text most, or None."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(text.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None
