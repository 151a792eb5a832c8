"""Libraries of local Glue runs. pip installs wheels that the tests build, without an index."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from local.glue_runs import libraries
from local.glue_runs.libraries import Libraries, LibraryFolders, lake_jars
from tests.support.glue_server import S3A, Aws, ended, job, lines, serving, start
from tests.support.wheels import wheel, zipped

NO_INDEX = {"--python-modules-installer-option": "--no-index"}


class Runs:
    """Prepares the libraries of runs with the objects of a bucket `b`."""

    def __init__(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path
        self.objects: dict[str, bytes] = {}
        self.stop = threading.Event()
        self.log: list[str] = []
        self.runs = 0

    def prepare(self, arguments: dict[str, str]) -> Libraries:
        self.runs += 1
        run = self._tmp_path / "runs" / str(self.runs)
        folders = LibraryFolders(run, run / "work", self._tmp_path / "python-modules")
        return libraries.prepare(arguments, folders, self._fetch, self.stop, self.log.append)

    def _fetch(self, uri: str, path: Path) -> None:
        if uri not in self.objects:
            raise OSError(f"{uri}: NoSuchKey")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.objects[uri])

    def add_wheel(self, name: str, source: str, **more: str) -> str:
        file, body = wheel(name, source, **more)
        self.objects[f"s3://b/{file}"] = body
        return f"s3://b/{file}"


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    monkeypatch.setattr(libraries, "GLUE_LIBRARIES", tmp_path / "glue-libraries")
    return Runs(tmp_path)


def test_modules_are_installed_once_for_the_same_content(runs: Runs) -> None:
    arguments = {"--additional-python-modules": runs.add_wheel("tg_one", "N = 1"), **NO_INDEX}
    first = runs.prepare(arguments).python_path[-1]
    assert (first / "tg_one/__init__.py").read_text() == "N = 1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libraries, "_INSTALL_SECONDS", 0.0)  # so that any installation fails
        assert runs.prepare(arguments).python_path[-1] == first
        runs.add_wheel("tg_one", "N = 2")
        with pytest.raises(OSError, match="it took longer than 0 seconds"):
            runs.prepare(arguments)
    second = runs.prepare(arguments).python_path[-1]
    assert (second / "tg_one/__init__.py").read_text() == "N = 2"


def test_a_zip_of_wheels_is_the_index_of_its_packages(runs: Runs) -> None:
    files = dict([wheel("tg_main", "import tg_needed", requires="tg_needed==1.0"), wheel("tg_needed", "")])
    runs.objects["s3://b/all.gluewheels.zip"] = zipped(
        {f"wheels/{name}": body for name, body in files.items()}
    )
    found = runs.prepare({"--additional-python-modules": "s3://b/all.gluewheels.zip", **NO_INDEX})
    packages = [path.parent.name for path in found.python_path[-1].glob("*/__init__.py")]
    assert sorted(packages) == ["tg_main", "tg_needed"]


def test_the_spark_of_a_run_is_not_replaced(runs: Runs) -> None:
    wheels = [runs.add_wheel(name, "") for name in ("pyspark", "pyspark_tg")]
    found = runs.prepare({"--additional-python-modules": ",".join(wheels), **NO_INDEX})
    assert [path.parent.name for path in found.python_path[-1].glob("*/__init__.py")] == ["pyspark_tg"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"--additional-python-modules": "tg-no-such-package==1.0", **NO_INDEX},
            "pip cannot install --additional-python-modules: "
            "No matching distribution found for tg-no-such-package==1.0",
        ),
        ({"--additional-python-modules": "s3://b/missing.whl"}, "s3://b/missing.whl: NoSuchKey"),
        (
            {"--additional-python-modules": "a", "--python-modules-installer-option": "--target=/tmp"},
            "--python-modules-installer-option --target=/tmp: the local Glue does not support it.",
        ),
        *(
            (
                {"--additional-python-modules": "a", "--python-modules-installer-option": option},
                f"--python-modules-installer-option {option}: the local Glue does not support it.",
            )
            for option in ("-t/tmp", "-Ut/tmp", "--targ=/tmp", "--pref=/tmp")
        ),
        (
            {"--additional-python-modules": "a", "--python-modules-installer-option": "'"},
            "--python-modules-installer-option: No closing quotation.",
        ),
        (
            {"--extra-py-files": "s3://b/lib.tar"},
            "--extra-py-files s3://b/lib.tar: must end in .py, .zip, .whl, .egg.",
        ),
        ({"--extra-files": "s3://b/folder/"}, "--extra-files s3://b/folder/: must be a file, not a folder."),
    ],
)
def test_libraries_that_cannot_be_prepared_are_one_sentence(
    runs: Runs, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(OSError) as caught:
        runs.prepare(arguments)
    assert str(caught.value) == message


def test_a_failed_or_stopped_installation_leaves_nothing(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        runs.prepare({"--additional-python-modules": "tg-no-such-package", **NO_INDEX})
    assert "Could not find a version that satisfies the requirement tg-no-such-package" in runs.log[0]
    runs.stop.set()
    runs.prepare({"--additional-python-modules": runs.add_wheel("tg_stopped", ""), **NO_INDEX})
    assert list((tmp_path / "python-modules").iterdir()) == []


def test_modules_come_before_what_glue_provides(runs: Runs, tmp_path: Path) -> None:
    (tmp_path / "glue-libraries").mkdir()
    runs.objects["s3://b/own.zip"] = zipped({"own.py": ""})
    arguments = {
        "--additional-python-modules": runs.add_wheel("tg_order", ""),
        "--extra-py-files": "s3://b/own.zip",
    }
    path = runs.prepare({**arguments, **NO_INDEX}).python_path
    assert [entry.name for entry in path[:2]] == ["libraries", "own.zip"]
    assert path[2].parent.name == "python-modules"
    assert path[3:] == (tmp_path / "glue-libraries",)


def test_lake_jars_are_jars_and_folders_of_jars(tmp_path: Path) -> None:
    for name in ("b.jar", "a.jar", "notes.txt"):
        (tmp_path / name).touch()
    assert lake_jars("") == ()
    found = lake_jars(os.pathsep.join([f"{tmp_path}/b.jar", str(tmp_path)]))
    assert [path.name for path in found] == ["b.jar", "a.jar", "b.jar"]


SCRIPT = """
import os, tg_module, tg_wheel
from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print(tg_module.N, tg_wheel.N, open("rules.json").read(), os.environ["CUSTOMER_A"])
print(spark.conf.get("spark.sql.session.timeZone"))
print([jar.rpartition("/")[2] for jar in spark.sparkContext._conf.get("spark.jars").split(",")])
loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()
print(loader.getResource("tg/extra.txt") is not None, loader.getResource("tg/lake.txt") is not None)
"""


def test_a_run_has_its_modules_files_jars_and_properties(tmp_path: Path) -> None:
    lake = tmp_path / "lake.jar"
    lake.write_bytes(zipped({"tg/lake.txt": "x"}))
    work_dir = tmp_path / "runs"
    work_dir.mkdir()
    with serving(work_dir, lake_jars=(lake,)) as aws:
        arguments = {
            "--additional-python-modules": _put(aws, *wheel("tg_module", "N = 1")),
            "--extra-py-files": _put(aws, *wheel("tg_wheel", "N = 2")),
            "--extra-files": _put(aws, "rules.json", b'{"a": 1}'),
            "--extra-jars": _put(aws, "extra.jar", zipped({"tg/extra.txt": "x"})),
            "--customer-driver-env-vars": "CUSTOMER_A=4",
            "--datalake-formats": "iceberg",
            "--conf": f"{S3A['--conf']} --conf spark.sql.session.timeZone=Asia/Tokyo",
            **NO_INDEX,
        }
        name = job(aws, "libraries", SCRIPT, DefaultArguments=arguments)
        run = ended(aws, name, start(aws, name))
        assert run["JobRunState"] == "SUCCEEDED", run.get("ErrorMessage")
        assert lines(aws, "output", run["Id"]) == [
            '1 2 {"a": 1} 4',
            "Asia/Tokyo",
            "['extra.jar', 'lake.jar']",
            "True True",
        ]


def _put(aws: Aws, key: str, body: bytes) -> str:
    aws("s3").put_object(Bucket="elsewhere", Key=key, Body=body)
    return f"s3://elsewhere/{key}"
