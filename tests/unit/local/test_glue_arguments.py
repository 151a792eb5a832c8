"""Job arguments that Glue itself reads, in the local Glue."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from local.glue_runs import arguments as glue
from local.spark.launch import SHIM, Launch

REGION = "spark.hadoop.fs.s3a.endpoint.region=us-east-1"


@pytest.mark.parametrize(
    ("conf", "refused"),
    [
        ("", None),
        ("spark.sql.legacy.timeParserPolicy=LEGACY", None),
        (f"{REGION} --conf spark.sql.ansi.enabled=true", None),
        ("spark.executor.memory=8g --conf spark.dynamicAllocation.enabled=true", None),
        ("spark.driver.extraJavaOptions=-Dx=1", "--conf spark.driver.extraJavaOptions"),
        (f"{REGION} --conf spark.master=yarn", "--conf spark.master"),
        ("spark.executor.extraJavaOptions=-Dx", "--conf spark.executor.extraJavaOptions"),
        ("spark.sql.warehouse.dir=s3://b/w", None),
        ("spark.hadoop.hive.metastore.client.factory.class=com.amazonaws.X", None),
        ("spark.sql.hive.metastore.jars=maven", "--conf spark.sql.hive.metastore.jars"),
        ("spark.hadoop.fs.s3.impl=x", "--conf spark.hadoop.fs.s3.impl"),
        ("spark.sql.extensions=io.delta.sql.X", "--conf spark.sql.extensions"),
        ("nonsense", "--conf nonsense"),
    ],
)
def test_conf_has_an_allow_list(conf: str, refused: str | None) -> None:
    assert glue.unsupported({"--conf": conf}, has_lake_jars=False) == refused


def test_conf_sets_the_properties_that_have_an_effect_here() -> None:
    conf = f"{REGION} --conf spark.sql.session.timeZone=UTC  --conf spark.executor.cores=4"
    assert glue.spark_properties({"--conf": conf}) == {"spark.sql.session.timeZone": "UTC"}
    assert glue.s3a_region({"--conf": conf}) == "us-east-1"
    assert glue.s3a_region({}) is None


def test_lake_formats_need_jars() -> None:
    arguments = {"--datalake-formats": "iceberg", "--conf": "spark.sql.extensions=org.apache.iceberg.X"}
    assert glue.unsupported(arguments, has_lake_jars=False) == (
        "--datalake-formats iceberg without jars: set LAKE_JARS to their paths when you start it"
    )
    assert glue.unsupported(arguments, has_lake_jars=True) is None
    assert glue.spark_properties(arguments) == {"spark.sql.extensions": "org.apache.iceberg.X"}


def test_variables_of_the_driver_have_a_prefix() -> None:
    arguments = {
        "--customer-driver-env-vars": 'CUSTOMER_A=1,CUSTOMER_B="two, 2", KEY4=no,CUSTOMER_C=',
        "--customer-executor-env-vars": "CUSTOMER_D=x",
    }
    assert glue.customer_variables(arguments) == {"CUSTOMER_A": "1", "CUSTOMER_B": "two, 2", "CUSTOMER_C": ""}
    assert glue.spark_properties(arguments) == {"spark.executorEnv.CUSTOMER_D": "x"}


def test_variables_with_an_open_quotation_are_one_sentence() -> None:
    for argument in ("--customer-driver-env-vars", "--customer-executor-env-vars"):
        with pytest.raises(OSError, match=f"^{argument}: No closing quotation.$"):
            glue.customer_variables({argument: 'CUSTOMER_A="1'}, argument)


def test_a_line_break_in_a_property_does_not_set_another_one(tmp_path: Path) -> None:
    given = {"spark.sql.a": "1\nspark.jars x.jar", "spark.sql.b": "\\n"}
    launch = Launch(tmp_path, tmp_path, java_home=tmp_path, jar=tmp_path / "s3.jar", properties=given)
    launch.environment({})
    lines = (tmp_path / "spark.properties").read_text().splitlines()
    assert lines[-2:] == [r"spark.sql.a 1\nspark.jars x.jar", r"spark.sql.b \\n"]


def test_the_service_is_told_the_formats_that_awsglue_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SHIM))
    readers = importlib.import_module("awsglue._io.readers")
    features = glue.unsupported_features(has_lake_jars=False).split(",")
    formats = [feature.partition(":")[2] for feature in features if feature.startswith("format:")]
    assert "groklog" in formats
    for name in formats:
        with pytest.raises(NotImplementedError, match=name):
            readers.read_files(None, None, name, {})
    assert "argument:--datalake-formats" in features
    assert "argument:--datalake-formats" not in glue.unsupported_features(has_lake_jars=True)


@pytest.mark.parametrize(
    ("given", "uses"), [({}, False), ("", True), ("true", True), ("false", False), ("False", False)]
)
def test_any_value_but_false_enables_the_data_catalog(given: str | dict[str, str], uses: bool) -> None:
    arguments = {"--enable-glue-datacatalog": given} if isinstance(given, str) else given
    assert glue.uses_catalog(arguments) == uses
