"""Path variables of a REST API. API Gateway allows one variable name per position.

A resource has at most one child whose path part is a variable. An API with a second one of another name is
rejected by design with "A sibling ({name}) of this resource already has a variable path part -- only one is
allowed": https://github.com/amazon-archives/aws-apigateway-importer/issues/202
"""

from __future__ import annotations

from collections.abc import Iterable


def conflicts(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return the variables that have the same parent but different names, by the parent's path.

    Parents are compared as API Gateway's tree of resources has them: a variable is one resource.
    """
    variables: dict[str, set[str]] = {}
    for path in paths:
        parts = path.rstrip("/").split("/")
        for depth, part in enumerate(parts):
            if part.startswith("{"):
                parent = "/".join("{}" if above.startswith("{") else above for above in parts[:depth])
                variables.setdefault(parent or "/", set()).add(part)
    return {parent: sorted(names) for parent, names in variables.items() if len(names) > 1}
