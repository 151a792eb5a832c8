"""Data Catalog names: databases and tables are stored in lower case and found in any case.

https://docs.aws.amazon.com/glue/latest/webapi/API_TableInput.html: "For Hive compatibility, this is folded to
lowercase when it is stored." moto stores names unchanged.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from moto.glue.models import GlueBackend

from local.moto_patches.patching import replace_methods

_NAMES = ("database_name", "table_name")
_INPUTS = ("database_input", "table_input")


def install() -> Callable[[], None]:
    """Fold names in moto's Glue. Return a function that removes the patch."""
    methods = {
        name: _folding(method)
        for name, method in vars(GlueBackend).items()
        if inspect.isfunction(method) and "database_name" in inspect.signature(method).parameters
    }
    return replace_methods(GlueBackend, methods)


def _folding(method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def folded(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        for name, value in bound.arguments.items():
            if name in _NAMES and isinstance(value, str):
                bound.arguments[name] = value.lower()
            elif name in _INPUTS and isinstance(value, dict) and isinstance(value.get("Name"), str):
                bound.arguments[name] = {**value, "Name": value["Name"].lower()}
            elif name == "tables":
                bound.arguments[name] = [table.lower() for table in value]
        return method(*bound.args, **bound.kwargs)

    return folded
