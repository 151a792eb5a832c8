"""Write the public names and parameters of AWS's `awsglue`, with which a test compares the local one.

Usage: `python -m tests.tools.awsglue_signatures FOLDER`, where FOLDER is the unpacked package
`awsgluedataplanepython`. The tool reads names only: the licence of the package limits its use to AWS.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

from tests.support.paths import ROOT

REFERENCE = ROOT / "tests/unit/local/awsglue_reference.json"
MODULES = ("context", "dynamicframe", "gluetypes", "job", "transforms", "utils")
_SPECIAL = ("__init__", "__call__", "__getitem__", "__len__", "__iter__")


def parameters(function: ast.FunctionDef) -> str:
    """Return the names of the parameters, with `=` after those that have a default."""
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    with_default = {item.arg for item in plain[len(plain) - len(given.defaults) :]}
    with_default |= {
        item.arg for item, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value
    }
    names = [item.arg + "=" * (item.arg in with_default) for item in [*plain, *given.kwonlyargs]]
    names += [f"*{given.vararg.arg}"] if given.vararg else []
    return ", ".join(names + ([f"**{given.kwarg.arg}"] if given.kwarg else []))


def names_of(source: str) -> dict[str, str | None]:
    """Return the public functions, classes (without parameters) and methods of a module."""
    found: dict[str, str | None] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            found[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found[node.name] = None
            for member in node.body:
                is_function = isinstance(member, ast.FunctionDef)
                if is_function and (member.name in _SPECIAL or not member.name.startswith("_")):
                    found[f"{node.name}.{member.name}"] = parameters(member)
    return found


def main() -> None:
    """Write the file."""
    folder = Path(sys.argv[1]) / "awsglue"
    reference = {}
    for module in MODULES:
        path = folder / module
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        names: dict[str, str | None] = {}
        for file in files:
            names |= names_of(file.read_text(encoding="utf-8"))
        reference[f"awsglue.{module}"] = dict(sorted(names.items()))
    text = {
        "comment": "Names and parameters of awsgluedataplanepython 6.0.0 of AWS on PyPI. `=`: has a default.",
        "names": reference,
    }
    REFERENCE.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
