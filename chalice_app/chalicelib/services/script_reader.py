"""Reads what Python files import and use. `file_contents` runs it as a separate process.

Called as `python -I -S script_reader.py` with a JSON list of texts on standard input, each of which Python
can parse. Prints a list with one object per text: `imports` (module and line), `names` (module, name and
line, of imports from awsglue) and `features` (name and line), such as `connection:mysql` and `format:hudi`.
It imports no other module of the service, because every PUT of a script waits for its start.
"""

import ast
import json
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

# As in file_parser.
_OUT_OF_MEMORY = 3
_MEMORY_BYTES = 512 * 1024 * 1024

# Handlers of these exceptions show that the script can do without the module.
_GUARDS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# Calls whose first argument is a connection type.
_WITH_CONNECTION = {
    *("from_options", "getSource", "getSink", "get_sink"),
    *("create_dynamic_frame_from_options", "create_data_frame_from_options"),
    *("write_dynamic_frame_from_options", "write_data_frame_from_options"),
}
_READERS = {"read", "readStream", "write", "writeStream", "writeTo"}


def read(text: str) -> dict[str, list[list[Any]]]:
    """Return the imports and features of a file."""
    tree = ast.parse(text)
    imports: list[list[Any]] = []
    names: list[list[Any]] = []
    for node in _unguarded(tree):
        if isinstance(node, ast.Import):
            imports += [[alias.name, node.lineno] for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            imports.append([node.module, node.lineno])
            if node.module.partition(".")[0] == "awsglue":
                names += [[node.module, alias.name, node.lineno] for alias in node.names]
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    features = [[feature, call.lineno] for call in calls for feature in _features(call)]
    return {"imports": imports, "names": names, "features": features}


def _unguarded(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run even if a module is missing, without those for type checkers."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Try) and any(_is_guard(handler) for handler in node.handlers):
            children = [*node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and any(map(_is_type_checking, ast.walk(node.test))):
            children = list(node.orelse)
        waiting += reversed(children)


def _is_type_checking(node: ast.AST) -> bool:
    return "TYPE_CHECKING" in (getattr(node, "id", None), getattr(node, "attr", None))


def _is_guard(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return caught is None or any(isinstance(kind, ast.Name) and kind.id in _GUARDS for kind in kinds)


def _features(call: ast.Call) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    first = _text(call.args[0]) if call.args else None
    options = {keyword.arg: _text(keyword.value) for keyword in call.keywords}
    connection = options.get("connection_type") or (first if name in _WITH_CONNECTION else None)
    if connection:
        yield f"connection:{connection.lower()}"
    if name == "from_jdbc_conf" or (name == "jdbc" and (call.args or call.keywords)):
        yield "connection:jdbc"
    if name == "format" and first and _is_of_spark(call.func):
        yield "connection:jdbc" if first == "jdbc" else f"spark-format:{first.lower()}"
    if given := options.get("format"):
        yield f"format:{given.lower()}"


def _is_of_spark(node: ast.expr) -> bool:
    """Return whether an expression is a chain such as `spark.read.option(...).format`."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        if isinstance(node, ast.Attribute) and node.attr in _READERS:
            return True
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return False


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


if __name__ == "__main__":
    with suppress(ValueError, OSError):  # macOS does not support it
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    try:
        print(json.dumps([read(text) for text in json.load(sys.stdin)]))
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)
