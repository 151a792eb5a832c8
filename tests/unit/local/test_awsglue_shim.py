"""The local replacement of `awsglue`: command-line arguments and rejected options."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame

from local.spark.launch import SHIM
from local.spark.shim.awsglue import transforms
from local.spark.shim.awsglue.dynamicframe import DynamicFrame
from local.spark.shim.awsglue.job import Job
from local.spark.shim.awsglue.utils import GlueArgumentError, getResolvedOptions, refuse


class Frame:
    """Fake of a DataFrame with two rows."""

    def count(self) -> int:
        return 2


def test_arguments_are_parsed_in_both_notations() -> None:
    argv = ["script.py", "--JOB_NAME", "job", "--OUTPUT=s3://b/out", "--enable-metrics", "true", "--DAY", "1"]
    options = getResolvedOptions(argv, ["JOB_NAME", "OUTPUT"])
    assert options == {"JOB_NAME": "job", "OUTPUT": "s3://b/out"}


def test_glues_own_arguments_are_always_included() -> None:
    argv = ["script.py", "--JOB_RUN_ID", "jr_1", "--TempDir", "s3://b/tmp", "--DAY", "1"]
    assert getResolvedOptions(argv, ["DAY"]) == {"JOB_RUN_ID": "jr_1", "TempDir": "s3://b/tmp", "DAY": "1"}


def test_a_missing_argument_is_an_error_that_names_it() -> None:
    with pytest.raises(GlueArgumentError, match="--OUTPUT"):
        getResolvedOptions(["script.py", "--JOB_NAME", "job"], ["JOB_NAME", "OUTPUT"])


def test_a_prefix_of_a_name_does_not_match() -> None:
    with pytest.raises(GlueArgumentError, match="--OUTPUT_BUCKET"):
        getResolvedOptions(["script.py", "--OUTPUT", "x"], ["OUTPUT_BUCKET"])


def test_a_dynamic_frame_counts_the_rows_of_its_data_frame() -> None:
    boxed = DynamicFrame.fromDF(cast(DataFrame, Frame()), None, "people")
    assert (boxed.count(), boxed.name) == (2, "people")


def test_an_unsupported_name_is_rejected_by_name() -> None:
    boxed: Any = DynamicFrame(cast(DataFrame, Frame()), None)
    with pytest.raises(NotImplementedError, match=r"DynamicFrame\.writeStream"):
        _ = boxed.writeStream
    with pytest.raises(NotImplementedError, match=r"awsglue\.transforms\.FindMatches"):
        _ = transforms.FindMatches


def test_an_unsupported_option_is_rejected() -> None:
    refuse("getSink", {"known": 1, "empty": None}, ["known"])
    with pytest.raises(NotImplementedError, match="groupFiles of from_options"):
        refuse("from_options", {"groupFiles": "inPartition"}, ["paths"])


def test_a_job_without_bookmarks_starts_and_commits() -> None:
    job = Job(None)
    job.init("job", {})
    job.commit()
    assert job.isInitialized()


def test_the_packages_are_imported_as_scripts_import_them() -> None:
    """The modules of a job are found in the folder of the local packages, not below `local`."""
    script = (
        "from awsglue import DynamicFrame\n"
        "from awsglue.context import GlueContext\n"
        "from awsglue.dynamicframe import DynamicFrameCollection\n"
        "from awsglue.gluetypes import *\n"
        "from awsglue.job import Job\n"
        "from awsglue.transforms import *\n"
        "from awsglue.utils import getResolvedOptions\n"
        "from awsgluedq.transforms import EvaluateDataQuality\n"
        "print(ApplyMapping.name(), StructType().typeName(), EvaluateDataQuality.name())\n"
        "from awsglueml.transforms import FindMatches\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(SHIM)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "ApplyMapping struct EvaluateDataQuality\n", run.stderr
    message = "NotImplementedError: The local awsglue does not support awsglueml.transforms.FindMatches."
    assert run.stderr.splitlines()[-1] == message
