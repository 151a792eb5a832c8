"""Starts ministack with its gaps closed: `.venv/judge/bin/python -m tests.judge.patches`."""

from __future__ import annotations

import importlib
import pkgutil
import sys

from ministack import app

from tests.judge import patches


def main() -> None:
    """Apply every patch and serve. Exit if ministack does not need one of them any more."""
    names = [module.name for module in pkgutil.iter_modules(patches.__path__) if module.name != "__main__"]
    modules = {name: importlib.import_module(f"tests.judge.patches.{name}") for name in names}
    if closed := [name for name, module in modules.items() if not module.needed()]:
        sys.exit(f"ministack does not have these gaps any more. Delete their patches: {', '.join(closed)}.")
    for module in modules.values():
        module.apply()
    sys.argv = ["ministack"]
    app.main()


main()
