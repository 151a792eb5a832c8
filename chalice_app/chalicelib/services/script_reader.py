"""Reads what Python files import and use. `file_contents` runs it as a separate process.

Called as `python -I -S script_reader.py` with a JSON list of files in base64 on standard input. Prints a list
with one object per file: `imports` (module and line), `names` (of imports from awsglue, with their line)
and `features` (name and line), such as `connection:mysql` and `format:hudi`. They are empty for a file that
Python cannot parse. It imports no other module of the service, because every PUT of a script waits for its
start.
"""

import ast
import base64
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


def read(body: bytes) -> dict[str, list[list[Any]]]:
    """Return the imports and features of a file."""
    try:
        tree = ast.parse(body)  # bytes, because the file may declare another encoding than UTF-8 (PEP 263)
    except (SyntaxError, ValueError, RecursionError):
        return {"imports": [], "names": [], "features": []}
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
        elif isinstance(node, (ast.With, ast.AsyncWith)) and any(_suppresses(item) for item in node.items):
            continue
        waiting += reversed(children)


def _is_type_checking(node: ast.AST) -> bool:
    return "TYPE_CHECKING" in (getattr(node, "id", None), getattr(node, "attr", None))


def _is_guard(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return caught is None or any(map(_catches_missing_modules, kinds))


def _suppresses(item: ast.withitem) -> bool:
    """Return whether an item of a `with` is `contextlib.suppress(ImportError)`."""
    call = item.context_expr
    if not isinstance(call, ast.Call):
        return False
    name = getattr(call.func, "attr", getattr(call.func, "id", None))
    return name == "suppress" and any(map(_catches_missing_modules, call.args))


def _catches_missing_modules(kind: ast.expr | None) -> bool:
    return isinstance(kind, ast.Name) and kind.id in _GUARDS


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
        print(json.dumps([read(base64.b64decode(text)) for text in json.load(sys.stdin)]))
    except MemoryError:
        sys.exit(_OUT_OF_MEMORY)
