"""Starts ministack with its gaps closed: `.venv/judge/bin/python -m tests.judge.patches`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from ministack import app

from tests.judge import patches


def main() -> None:
    """Apply every patch and serve. Exit if a patch is not needed any more."""
    names = [module.name for module in pkgutil.iter_modules(patches.__path__) if module.name != "__main__"]
    modules = [importlib.import_module(f"tests.judge.patches.{name}") for name in names]
    if obsolete := [name for name, module in zip(names, modules, strict=True) if not module.needed()]:
        sys.exit(f"ministack does not need these patches any more; delete them from tests/judge/patches: {obsolete}")
    for module in modules:
        module.apply()
    sys.argv = ["ministack"]
    app.main()


main()
