"""Faults of a data folder: collected while it is read, raised together."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

SHOWN, SHOWN_IN_ALL = 10, 200
"""Faults of a file and of a folder that are shown. The others are counted."""


class DataError(Exception):
    """The data cannot be turned into tables. The message has one line for each fault, with file and line."""


@dataclass(frozen=True)
class Problem:
    """A fault: the file or folder, the line if there is one, what is wrong and what to do."""

    place: Path
    message: str
    line: int | None = None

    def __str__(self) -> str:
        """Return the fault as one line, in the form of compilers: `file:line: message`."""
        line = "" if self.line is None else f":{self.line}"
        return printable(f"{self.place}{line}: {' '.join(self.message.split())}")


@dataclass
class Problems:
    """The faults found so far."""

    found: list[Problem] = field(default_factory=list)

    def add(self, place: Path, message: str, line: int | None = None) -> None:
        """Record a fault."""
        self.found.append(Problem(place, message, line))

    def sorted(self) -> list[Problem]:
        """Return the faults by path and line, each once, at most `SHOWN` for each file."""
        every = sorted(set(self.found), key=lambda p: (str(p.place), p.line or 0, p.message))
        seen: Counter[Path] = Counter()
        shown: list[Problem] = []
        count = Counter(problem.place for problem in every)
        for problem in every:
            seen[problem.place] += 1
            if seen[problem.place] <= SHOWN:
                shown.append(problem)
            elif seen[problem.place] == count[problem.place]:
                shown.append(Problem(problem.place, f"and {count[problem.place] - SHOWN:,} more faults"))
        if (more := len(shown) - SHOWN_IN_ALL) > 0:
            folder = Path(os.path.commonpath([problem.place for problem in shown]))
            shown[SHOWN_IN_ALL:] = [Problem(folder, f"and {more:,} more faults of other files")]
        return shown

    def check(self) -> None:
        """Raise `DataError` if a fault was recorded."""
        if self.found:
            raise DataError("\n".join(str(problem) for problem in self.sorted()))


def printable(text: str) -> str:
    """Return a text with escapes for what cannot be printed, such as names that are not UTF-8."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def read_failure(error: OSError) -> str:
    """Return why a file or folder cannot be read, and what to do."""
    match error:
        case PermissionError():
            return "cannot be read: permission denied; change its permissions (chmod -R u+rX), or remove it"
        case FileNotFoundError():
            return "is a link to nothing, or was removed meanwhile; put the file itself there"
        case IsADirectoryError():
            return "is a folder, but must be a file; rename the folder"
    return f"cannot be read: {error.strerror or error}; copy it to this machine again, or remove it"
