"""Warnings about scripts and settings: what a run will not find or cannot do."""

from __future__ import annotations

import pytest

from chalicelib.domain.job_warnings import file_warnings, settings_warnings
from chalicelib.domain.settings import JobSettings, Settings
from chalicelib.services.file_contents import FileContents
from chalicelib.services.script_reader import read

HERE = {
    *("connection:mysql", "connection:jdbc", "format:iceberg", "spark-format:iceberg"),
    "argument:--datalake-formats",
}


def warned(script: str, files: tuple[str, ...] = ("main.py",), **job: object) -> list[tuple[str, int | None]]:
    settings = JobSettings.model_validate(job)
    return [(w.code, w.line) for w in file_warnings(settings, files, read(script.encode()), HERE)]


@pytest.mark.parametrize(
    "script",
    [
        "import sys, os.path\nimport pandas as pd\nfrom pyspark.sql import functions\nimport boto3\n",
        "from awsglue.transforms import *\nfrom awsglue import DynamicFrame\n",
        "from awsglue.transforms.apply_mapping import ApplyMapping\nfrom awsgluedq.transforms import X\n",
        "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n",
        "try:\n    import ujson as json\nexcept (ImportError, ValueError):\n    import json\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import mypy_boto3_s3\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import yaml\n",
        "from contextlib import suppress\nwith suppress(KeyError, ImportError):\n    import yaml\n",
        "from . import nothing\nfrom .. import nothing\n",
        "from PIL import Image\nimport dateutil\n",
    ],
)
def test_a_script_that_imports_what_glue_has_is_fine(script: str) -> None:
    assert warned(script) == []


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import sys\nimport yaml\n", [("unknown_module", 2)]),
        ("def f():\n    from sklearn.svm import SVC\n", [("unknown_module", 2)]),
        ("try:\n    import yaml\nexcept ValueError:\n    pass\n", [("unknown_module", 2)]),
        ("with suppress(ValueError), open('x') as f:\n    import yaml\n", [("unknown_module", 2)]),
        ("try:\n    pass\nexcept ImportError:\n    import yaml\n", []),
        ("from awsglue.transforms import ApplyMapping, ApplyMappings\n", [("unknown_name", 1)]),
        ("from awsglue.contexts import GlueContext\n", [("unknown_name", 1)]),
        ("import yaml\nimport yaml.nodes\n", [("unknown_module", 1)]),
    ],
)
def test_what_glue_does_not_have_is_named_with_its_line(
    script: str, expected: list[tuple[str, int | None]]
) -> None:
    assert warned(script) == expected


def test_packages_and_job_files_provide_modules() -> None:
    script = "import yaml, helper, package.part\n"
    files = ("main.py", "libs/helper.py", "package/part.py")
    assert warned(script, files) == [("unknown_module", 1)]
    assert warned(script, files, python_modules=["PyYAML==6.0.2"]) == []
    assert warned(script, files, python_modules=["some-collection"]) == []  # may contain it
    assert warned(script, files, extra_files=["all.zip"]) == []


def test_modules_depend_on_the_version_of_glue() -> None:
    assert warned("import orjson\n", glue_version="5.1") == []
    assert warned("import orjson\n", glue_version="5.0") == [("unknown_module", 1)]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ('x = g.create_dynamic_frame.from_options(connection_type="mysql", connection_options={})\n', 1),
        ('x = g.create_dynamic_frame.from_options(\n    "mysql", {}\n)\n', 1),
        ("\ng.write_dynamic_frame.from_jdbc_conf(frame, c)\n", 2),
        ('s.read.format("jdbc").load()\n', 1),
        ('d.write.mode("append").format("iceberg").save("x")\n', 1),
        ('g.create_dynamic_frame.from_options(connection_type="s3", format="iceberg")\n', 1),
    ],
)
def test_features_that_an_installation_does_not_support_are_named(script: str, line: int) -> None:
    assert warned(script) == [("unsupported_feature", line)]
    assert file_warnings(JobSettings(), (), read(script.encode()), ()) == []  # in AWS


@pytest.mark.parametrize(
    "script",
    ['g.from_options(connection_type="s3")\n', 'text.format("iceberg", 1)\n', 'd.write.format("csv")\n'],
)
def test_supported_features_are_not_named(script: str) -> None:
    assert warned(script) == []


def test_arguments_that_an_installation_does_not_support_are_named() -> None:
    settings = Settings.model_validate({"job": {"arguments": {"--datalake-formats": "hudi", "--DATE": "x"}}})
    [warning] = settings_warnings(settings, HERE)
    assert warning.detail == "Runs of this service do not support --datalake-formats."
    assert settings_warnings(settings, ()) == []


def test_scripts_are_read_in_a_process_of_their_own() -> None:
    scripts = [b"import yaml\n", b"\xef\xbb\xbfx = 1\n"]
    first, second = FileContents().read(scripts)
    assert (first["imports"], second["imports"]) == ([["yaml", 1]], [])
    assert FileContents(seconds=0.001).read(scripts) == []
    deep = b"import yaml\nif " + b"(" * 80 + b"x" + b" + 1)" * 80 + b": pass\n"
    [read_deep] = FileContents().read([deep])
    assert read_deep["imports"] == [["yaml", 1]]


@pytest.mark.parametrize(
    ("script", "imports"),
    [
        (b"# coding: utf-7\nimport os\n+AHg- = 1\n", [["os", 2]]),
        (b"# coding: unicode_escape\nimport os\nx = '\\x27\n", [["os", 2]]),
        (b"x = 1" + b" + 1" * 100_000, []),
        (b"import (", []),
    ],
)
def test_every_file_can_be_read(script: bytes, imports: list[object]) -> None:
    found = FileContents().read([script, b"import yaml\n"])
    assert [each["imports"] for each in found] == [imports, [["yaml", 1]]]


def test_a_warning_is_short() -> None:
    script = f"import {'z' * 100_000}\nfrom awsglue.{'y' * 100_000} import {'x' * 100_000}\n"
    warnings = file_warnings(JobSettings(), (), read(script.encode()), ())
    assert [(each.code, len(each.detail) < 500) for each in warnings] == [
        ("unknown_module", True),
        ("unknown_name", True),
    ]
