"""Error messages of the local Glue: category, line of the script, and the exception's own sentence."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.domain.glue_modules import provided
from local.glue_runs.short_paths import shortener
from local.spark import runner
from local.spark.runner import error_message


class Py4JJavaError(Exception):
    """Stands in for py4j's, whose text is a call and Java's stack traces."""


class PythonException(Exception):
    """Stands in for pyspark's, whose text has the traceback of the worker."""


class AnalysisException(Exception):
    """Stands in for pyspark's, whose text ends with the query plan."""


class HiveError(AnalysisException):
    """Stands in for pyspark's, whose text has the nested exceptions of Hive."""

    __module__ = "pyspark.errors.exceptions.captured"


MISSING_FILE = """An error occurred while calling o37.parquet.
: org.apache.spark.SparkException: Job aborted.
\tat org.apache.spark.Some$.call(Some.scala:3)
\tat java.base/java.lang.Thread.run(Unknown Source)
Caused by: java.io.FileNotFoundException: No such file or directory: s3://b/k
\tat org.apache.Other.open(Other.java:9)
\t... 12 more
"""
NO_MESSAGE = "An error occurred while calling o1.x.\n: java.lang.NullPointerException\n\tat a.B.c(B.java:1)\n"
WORKER = """
  An exception was thrown from the Python worker. Please see the stack trace below.
Traceback (most recent call last):
  File "/run/script/main.py", line 5, in f
    return parse(x)
  File "/run/libraries/helper.py", line 9, in parse
    return int(x)
ValueError: invalid literal: 'n/a'
"""
NESTED = (
    "org.apache.hadoop.hive.ql.metadata.HiveException: MetaException(message:Got exception: "
    "org.apache.hadoop.hive.metastore.api.MetaException User: me is not authorized to perform: glue:GetTable)"
)
PLAN = "[UNRESOLVED_COLUMN] A column `nope` cannot\nbe resolved.;\n'Project ['nope]\n+- Range (0, 3)\n"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            AnalysisException(PLAN),
            "QUERY_ERROR; AnalysisException: [UNRESOLVED_COLUMN] A column `nope` cannot be resolved.",
        ),
        (HiveError(NESTED), "QUERY_ERROR; HiveError: User: me is not authorized to perform: glue:GetTable"),
        (
            Py4JJavaError(MISSING_FILE),
            "RESOURCE_NOT_FOUND_ERROR; An error occurred while calling o37.parquet. "
            "No such file or directory: s3://b/k",
        ),
        (
            Py4JJavaError(NO_MESSAGE),
            "UNCLASSIFIED_ERROR; An error occurred while calling o1.x. NullPointerException",
        ),
        (
            PythonException(WORKER),
            "UNCLASSIFIED_ERROR; PythonException: ValueError: invalid literal: 'n/a' (helper.py, line 9)",
        ),
        (MemoryError(), "OUT_OF_MEMORY_ERROR; MemoryError"),
        (KeyError("name"), "INVALID_ARGUMENT_ERROR; KeyError: 'name'"),
        (KeyboardInterrupt(), "UNCLASSIFIED_ERROR; KeyboardInterrupt"),
        (SystemExit("text"), "SYSTEM_EXIT_ERROR; SystemExit: text"),
        (NotImplementedError("no jdbc"), "UNSUPPORTED_OPERATION_ERROR; NotImplementedError: no jdbc"),
        (
            ModuleNotFoundError("No module named 'pandas'", name="pandas"),
            "IMPORT_ERROR; ModuleNotFoundError: No module named 'pandas'. On this machine, "
            "`make glue-libraries` installs the numpy, pandas and pyarrow that Glue provides.",
        ),
    ],
)
def test_a_message_is_the_sentence_of_the_exception(error: BaseException, message: str) -> None:
    assert error_message(error, "/run/script/main.py") == f"Error Category: {message}"


def test_a_text_of_a_megabyte_is_cut() -> None:
    assert len(error_message(ValueError("x" * 1_000_000), "main.py")) < 1100


@pytest.mark.parametrize(
    ("script", "line", "sentence"),
    [
        ("def f():\n    raise ValueError('bad')\n\nf()\n", 2, "ValueError: bad"),
        ("x = 1\ny = = 2\n", 2, "SyntaxError: invalid syntax (main.py, line 2)"),
        ("def f(): f()\n\nf()\n", 1, "RecursionError: maximum recursion depth exceeded"),
        (
            "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError('out') from e\n",
            4,
            "OSError: out",
        ),
    ],
)
def test_a_message_names_the_line_of_the_script(
    tmp_path: Path, script: str, line: int, sentence: str
) -> None:
    path = tmp_path / "main.py"
    path.write_text(script)
    with pytest.raises(Exception) as caught:
        runpy.run_path(str(path), run_name="__main__")
    message = error_message(caught.value, str(path))
    assert message.partition("; ")[2] == f"Failed Line Number: {line}; {sentence}"


def test_paths_of_this_machine_are_shortened(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "jr_1"
    shorten = shortener(folder)
    assert shorten(f'File "{folder}/script/main.py", line 3') == 'File "main.py", line 3'
    assert shorten(f"file:{folder}/tmp/x: {folder}/libraries/helper.py") == "file:tmp/x: helper.py"
    assert shorten(f"{tmp_path}/python-modules/0a1b/yaml/__init__.py") == "yaml/__init__.py"
    assert shorten(f'File "{Path(pytest.__file__)}"') == 'File "pytest/__init__.py"'
    assert shorten(f"{Path.home()}/.netrc") == "~/.netrc"


def test_keys_in_s3_are_not_taken_for_paths(tmp_path: Path) -> None:
    shorten = shortener(tmp_path)
    home = str(Path.home())
    for uri in (f"s3:/{home}/x", f"s3a://bucket{home}/x", f"s3://bucket/a{home}/x"):
        assert shorten(uri) == uri


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("import yaml", "No module named 'yaml'"),
        ("from werkzeug.wrappers import Request", "No module named 'werkzeug'"),
        ("import boto3, pyspark, dateutil, json, requests", ""),
        ("import own", ""),
    ],
)
def test_a_script_finds_only_the_packages_that_glue_provides(
    tmp_path: Path, statement: str, message: str
) -> None:
    (tmp_path / "main.py").write_text(f"{statement}\n")
    (tmp_path / "own.py").write_text("try:\n    import yaml\nexcept ImportError:\n    pass\n")
    error = tmp_path / "error"
    command = [sys.executable, "-P", runner.__file__, str(error), ",".join(provided("5.1"))]
    with subprocess.Popen(
        [*command, str(tmp_path / "main.py")],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.PIPE,  # its end would kill the process group
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        process.wait()
    if message:
        start = "Error Category: IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: "
        assert error.read_text() == start + message
    else:
        assert not error.exists()
