"""Changes that mutmut makes to a module, as lines before and after."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

_LITERAL = re.compile(r"""[rf]?"[^"]*"|[rf]?'[^']*'""")
_EXPRESSION = re.compile(r"[=#_]|:\w")


class Key(NamedTuple):
    """A change as `equivalent.toml` names it: stable when mutmut numbers its changes anew."""

    function: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One change of one function. `name` is mutmut's name."""

    name: str
    module: str
    key: Key

    @property
    def is_wording(self) -> bool:
        """Return whether it changes only the wording of a sentence. Tests do not repeat wording."""
        before, after = (_LITERAL.sub('""', side) for side in (self.key.before, self.key.after))
        if before != after:
            return False
        words = (_LITERAL.findall(side) for side in (self.key.before, self.key.after))
        return all(_is_sentence(old) for old, new in zip(*words, strict=True) if old != new)

    @property
    def any_of_the_function(self) -> Key:
        """Return the key for all changes of the function in `equivalent.toml`."""
        return Key(self.key.function, "", "")

    def is_in(self, named: set[Key]) -> bool:
        """Return whether `names` contains the change or its whole function."""
        return self.key in named or self.any_of_the_function in named

    def __str__(self) -> str:
        return f"{self.key.function} ({self.name})\n  - {self.key.before}\n  + {self.key.after}"


def changes_of(source: Path) -> list[Change]:
    """Return every change that mutmut makes to a module. The working directory must be the copy's root."""
    from mutmut.mutation.file_mutation import mutate_file_contents
    from mutmut.utils.format_utils import get_mutant_name, orig_function_and_class_names_from_key

    mutated = mutate_file_contents(str(source), source.read_text())
    lines = mutated.code.splitlines()

    def body(name: str) -> list[str]:
        span = mutated.line_span_by_function_name[name]
        return [
            line.strip() for line in "\n".join(lines[span.start - 1 : span.end]).replace(name, "").split("\n")
        ]

    changes = []
    for name in mutated.mutant_names:
        function, owner = orig_function_and_class_names_from_key(name)
        key = _key(
            ".".join(filter(None, (source.stem, owner, function))),
            body(name.partition("__mutmut_")[0] + "__mutmut_orig"),
            body(name),
        )
        changes.append(Change(get_mutant_name(source, name), source.stem, key))
    return changes


def equivalents(path: Path, modules: list[str]) -> set[Key]:
    """Return the changes of some modules that a file names as equivalent."""
    entries = tomllib.loads(path.read_text()).get("equivalent", [])
    assert all(entry["why"] for entry in entries)
    keys = {Key(entry["function"], entry.get("before", ""), entry.get("after", "")) for entry in entries}
    return {key for key in keys if key.function.partition(".")[0] in modules}


def _is_sentence(literal: str) -> bool:
    """Return whether a literal is a sentence for readers. DynamoDB's expressions contain words, too."""
    return literal.count(" ") >= 2 and not _EXPRESSION.search(literal)


def _key(function: str, before: list[str], after: list[str]) -> Key:
    difference = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    sides = (" ".join(line[2:] for line in difference if line[0] == side).strip() for side in "-+")
    return Key(function, *sides)
