"""The local `awsglue` has the names and parameters of AWS's, but for those listed with a reason.

`tests/tools/awsglue_signatures.py` makes the reference. `awsglue_missing.toml` lists the differences: an
entry that is no longer true fails, too.
"""

from __future__ import annotations

import importlib
import inspect
import json
import tomllib
from types import ModuleType
from typing import Any

import pytest

from tests.support.paths import ROOT

FOLDER = ROOT / "tests/unit/local"
REFERENCE: dict[str, dict[str, str | None]] = json.loads(
    (FOLDER / "awsglue_reference.json").read_text(encoding="utf-8")
)["names"]
LISTED = tomllib.loads((FOLDER / "awsglue_missing.toml").read_text(encoding="utf-8"))
OWN_MODULES = ("awsglue.dynamicframe", "awsglue.gluetypes", "awsglue.transforms", "awsglue.utils")
"""Modules in which a name that AWS does not have needs a reason."""


def local(module: str) -> ModuleType:
    return importlib.import_module(f"local.spark.shim.{module}")


def parameters(function: Any) -> str:
    names = []
    for item in inspect.signature(function).parameters.values():
        stars = {item.VAR_POSITIONAL: "*", item.VAR_KEYWORD: "**"}.get(item.kind, "")
        names.append(f"{stars}{item.name}" + "=" * (item.default is not item.empty))
    return ", ".join(names)


def difference(module: str, name: str, expected: str | None) -> str:
    """Return how a name differs from AWS's, or an empty text."""
    found: Any = local(module)
    for part in name.split("."):
        found = inspect.getattr_static(found, part, None)
        if found is None:
            return "missing"
    if expected is None:
        return "" if inspect.isclass(found) else "not a class"
    actual = parameters(getattr(found, "__func__", found))  # of a class method
    return "" if actual == expected else f"has the parameters ({actual}), not ({expected})"


def test_the_names_and_parameters_are_those_of_aws() -> None:
    differences = {
        f"{module}.{name}": text
        for module, names in REFERENCE.items()
        for name, expected in names.items()
        if (text := difference(module, name, expected)) and name not in LISTED.get(module, {})
    }
    assert differences == {}


def test_the_listed_differences_exist_and_have_a_reason() -> None:
    stale = [
        f"{module}.{name}"
        for module, names in LISTED.items()
        if module != "ours"
        for name, reason in names.items()
        if not reason
        or name not in REFERENCE[module]
        or not difference(module, name, REFERENCE[module][name])
    ]
    assert stale == []


@pytest.mark.parametrize("module", OWN_MODULES)
def test_names_that_aws_does_not_have_are_listed(module: str) -> None:
    """A script that uses another name would run here, but not on Glue."""
    known = REFERENCE[module]
    ours = set(getattr(local(module), "__all__", ()))
    for name in known.keys() & vars(local(module)).keys():
        for member, value in vars(getattr(local(module), name)).items():
            if not member.startswith("_") and inspect.isroutine(getattr(value, "__func__", value)):
                ours.add(f"{name}.{member}")
    inherited = {
        f"{name}.{method}" for name in known for method in ("typeName", "jsonValue", "fromJsonValue")
    }
    assert sorted(ours - known.keys() - inherited) == sorted(LISTED["ours"].get(module, {}))
