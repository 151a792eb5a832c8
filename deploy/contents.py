"""Contents of the functions' zip: what functions import, with byte-code, and nothing else.

Lambda's code folder is read-only, so without byte-code in the zip each cold start would compile every module
that it imports: about a second of CPU time (docs/decisions/0035). Dependencies are byte-code alone. The
functions' own modules keep their sources, for tracebacks.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

SDK_SERVICES = {
    "athena",
    "cloudformation",
    "dynamodb",
    "glue",
    "iam",
    "kms",
    "logs",
    "s3",
    "sns",
    "sts",
}
"""Services that the functions call. The SDK has 15 MB of models of others."""

_SDK_MODELS = "botocore/data/"
_SWAGGER_UI = "aws_lambda_powertools/event_handler/openapi/swagger_ui/"

_EXCEPTIONS = (
    "aws_lambda_powertools/utilities/__init__.py",
    "aws_lambda_powertools/utilities/jmespath_utils/",  # for the logger
)
UNUSED = (
    "Cryptodome/Cipher/_ARC4",
    "Cryptodome/Cipher/_chacha20",
    "Cryptodome/Cipher/_raw_arc2",
    "Cryptodome/Cipher/_raw_blowfish",
    "Cryptodome/Cipher/_raw_cast",
    "Cryptodome/Cipher/_raw_eksblowfish",
    "Cryptodome/Cipher/_raw_ocb",
    "Cryptodome/Hash/_MD2",
    "Cryptodome/Hash/_MD4",
    "Cryptodome/Hash/_RIPEMD160",
    "Cryptodome/Hash/_ghash",
    "Cryptodome/Hash/_poly1305",
    "Cryptodome/Math/_IntegerGMP",  # its import starts ldconfig, to find a library of the system
    "Cryptodome/PublicKey/_curve25519",
    "Cryptodome/PublicKey/_curve448",
    "Cryptodome/PublicKey/_ed",
    "Cryptodome/SelfTest/",
    "annotated_types/test_cases.py",
    "aws_lambda_powertools/event_handler/",
    "aws_lambda_powertools/utilities/",
    *(f"aws_xray_sdk/ext/{name}/" for name in ("aiobotocore", "aiohttp", "bottle", "django", "flask")),
    *(f"aws_xray_sdk/ext/{name}/" for name in ("flask_sqlalchemy", "httpx", "mysql", "pg8000", "psycopg")),
    *(f"aws_xray_sdk/ext/{name}/" for name in ("psycopg2", "pymongo", "pymysql", "pynamodb", "requests")),
    *(f"aws_xray_sdk/ext/{name}/" for name in ("sqlalchemy", "sqlalchemy_core", "sqlite3")),
    "boto3/data/",  # models of boto3's resources; the service uses clients
    "boto3/examples/",
    "dateutil/zoneinfo/dateutil-zoneinfo.tar.gz",  # all times are UTC
    "pydantic/mypy.py",
    "pydantic/v1/",
    "s3transfer/processpool.py",
    "urllib3/contrib/emscripten/",
    "wrapt-stubs/",
)
"""Beginnings of the names of what no function imports or loads."""
_UNUSED_SUFFIXES = (".c", ".h", ".pyi", ".typed", ".dist-info/RECORD")

_COMPILE = """
import py_compile, sys
from pathlib import Path
for path in sorted(Path(sys.argv[1]).rglob("*.py")):
    py_compile.compile(
        str(path), dfile=str(path.relative_to(sys.argv[1])), doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
"""


def write_contents(path: Path) -> None:
    """Rewrite Chalice's zip, reproducibly: without timestamps, file modes and order of the build."""
    with zipfile.ZipFile(path) as found:
        files = {name: _shortened(name, found.read(name)) for name in found.namelist() if is_used(name)}
    for name, content in _byte_code(files).items():
        files[name if _is_own(name) else _beside_source(name)] = content
    files = {name: files[name] for name in files if _is_own(name) or not name.endswith(".py")}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as ordered:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name)  # the default timestamp, 1980-01-01
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            ordered.writestr(entry, files[name])


def is_used(name: str) -> bool:
    """Return whether functions need a file of Chalice's zip."""
    if name.startswith(_SWAGGER_UI):
        return name.endswith((".js", ".css"))
    if name.startswith(_SDK_MODELS):
        service, _, file = name.removeprefix(_SDK_MODELS).partition("/")
        return not file or (service in SDK_SERVICES and not file.endswith(("/", "examples-1.json.gz")))
    if name.startswith(_EXCEPTIONS):
        return True
    return not (name.endswith(("/", *_UNUSED_SUFFIXES)) or name.startswith(UNUSED) or "/sboms/" in name)


def _is_own(name: str) -> bool:
    return name == "app.py" or name.startswith(("__pycache__/app.", "chalicelib/"))


def _beside_source(name: str) -> str:
    """Return the name of byte-code that Python imports without a source."""
    path = PurePosixPath(name)
    return str(path.parent.parent / f"{path.name.partition('.')[0]}.pyc")


def _shortened(name: str, content: bytes) -> bytes:
    """Return a model of an AWS service without its documentation: two thirds of what each client parses."""
    if not (name.startswith(_SDK_MODELS) and name.endswith("service-2.json.gz")):
        return content
    model = _without_documentation(json.loads(gzip.decompress(content)))
    return gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0)


def _without_documentation(value: Any) -> Any:
    """Return a value with empty documentation of operations, shapes and members: botocore expects the key.

    A member can itself be named `documentation`; then its value is an object.
    """
    if isinstance(value, dict):
        return {
            name: "" if name == "documentation" and isinstance(inner, str) else _without_documentation(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_documentation(inner) for inner in value]
    return value


def _byte_code(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the byte-code of all modules, for the Python version that runs this.

    Python does not compare it with the sources, whose timestamps in Lambda are unknown. A process of its own
    with a fixed hash seed makes the same bytes every time.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in files.items():
            if file.endswith(".py"):
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / file).write_bytes(content)
        subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-S", "-c", _COMPILE, name],
            env={"PATH": os.environ.get("PATH", ""), "PYTHONHASHSEED": "0"},
            check=True,
        )
        return {
            str(PurePosixPath(path.relative_to(folder))): path.read_bytes() for path in folder.rglob("*.pyc")
        }
