"""Job arguments that Glue itself reads: which ones the emulator supports, and their syntax.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

EXTRA_FILES = "--extra-files"
EXTRA_JARS = "--extra-jars"
EXTRA_PY_FILES = "--extra-py-files"
PYTHON_MODULES = "--additional-python-modules"
INSTALLER_OPTION = "--python-modules-installer-option"
LAKE_FORMATS = "--datalake-formats"
BOOKMARK_OPTION = "--job-bookmark-option"
BOOKMARK_OPTIONS = ("job-bookmark-enable", "job-bookmark-pause", "job-bookmark-disable")
_CONF = "--conf"
_CATALOG = "--enable-glue-datacatalog"

# Rejected, not ignored, because they would change the result of a run.
_UNSUPPORTED = ("--user-jars-first",)

S3A_REGION = "spark.hadoop.fs.s3a.endpoint.region"

# Properties of `--conf` by the beginnings of their names. The longest beginning decides.
_APPLIED = (
    *(
        "spark.sql.",
        "spark.default.parallelism",
        "spark.driver.maxResultSize",
        "spark.files.maxPartitionBytes",
    ),
    *("spark.hadoop.hive.exec.", "spark.hadoop.mapred", "spark.hadoop.parquet.", "spark.kryo"),
    *("spark.network.timeout", "spark.python.worker.", "spark.serializer", "spark.shuffle.", "spark.task."),
)
# Sizes of a cluster and of its connections, which one process on one machine does not have, and the class of
# AWS that `--enable-glue-datacatalog` stands for.
_IGNORED = (
    "spark.hadoop.hive.metastore.client.factory.class",
    *("spark.driver.cores", "spark.driver.memory", "spark.dynamicAllocation.", "spark.executor."),
    *("spark.hadoop.fs.s3.", "spark.hadoop.fs.s3a.", "spark.locality.", "spark.memory.", "spark.rpc."),
    *("spark.speculation", "spark.yarn."),
)
# Set for Iceberg, Delta Lake and Hudi, whose jars define the classes.
_LAKE = ("spark.sql.catalog.", "spark.sql.extensions")
# The first is any other property, the next are the emulator's own.
_REFUSED = (
    *("spark.", "spark.hadoop.fs.s3.impl", "spark.hadoop.fs.s3a.impl", "spark.sql.catalogImplementation"),
    "spark.sql.hive.metastore",
    *("spark.executor.extraClassPath", "spark.executor.extraJavaOptions"),
)
# Connection types of Glue besides s3, which the emulator has no servers for:
# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-connect.html
_CONNECTIONS = (
    *("azurecosmos", "azuresql", "bigquery", "custom.athena", "custom.jdbc", "custom.spark", "documentdb"),
    *("dynamodb", "jdbc", "kafka", "kinesis", "marketplace.athena", "marketplace.jdbc", "marketplace.spark"),
    *("mongodb", "mysql", "opensearch", "oracle", "postgresql", "redshift", "saphana", "snowflake"),
    *("sqlserver", "teradata", "vertica"),
)
# Formats that `shim/awsglue` cannot read, that Spark needs a jar for, and those of `--datalake-formats`.
_FORMATS = ("groklog", "ion")
_SPARK_FORMATS = ("avro",)
_LAKE_TABLES = ("delta", "hudi", "iceberg")
_ASSIGNMENT = re.compile(r"(spark\.[A-Za-z0-9._-]+)=(.*)", re.DOTALL)
_CUSTOMER = re.compile(r"CUSTOMER_[A-Za-z0-9_]+")


def unsupported(arguments: Mapping[str, str], *, has_lake_jars: bool) -> str | None:
    """Return why the emulator rejects the arguments, or None if it runs them."""
    for name in _UNSUPPORTED:
        if arguments.get(name):
            return f"the job argument {name}"
    bookmark = arguments.get(BOOKMARK_OPTION)
    if bookmark and bookmark not in BOOKMARK_OPTIONS:
        return f"{BOOKMARK_OPTION} {bookmark}"
    if (formats := arguments.get(LAKE_FORMATS)) and not has_lake_jars:
        return f"{LAKE_FORMATS} {formats} without jars: set LAKE_JARS to their paths when you start it"
    for setting in _settings(arguments):
        match = _ASSIGNMENT.fullmatch(setting)
        kind = _kind(match[1]) if match else _REFUSED
        if kind is _REFUSED or (kind is _LAKE and not arguments.get(LAKE_FORMATS)):
            return f"{_CONF} {match[1] if match else setting}"
    return None


def unsupported_features(*, has_lake_jars: bool) -> str:
    """Return the value of the service's UNSUPPORTED_FEATURES, with which it warns its users early."""
    arguments = [*_UNSUPPORTED, *(() if has_lake_jars else (LAKE_FORMATS,))]
    lake = () if has_lake_jars else _LAKE_TABLES
    return ",".join(
        [
            *(f"argument:{name}" for name in arguments),
            *(f"connection:{name}" for name in _CONNECTIONS),
            *(f"format:{name}" for name in (*_FORMATS, *lake)),
            *(f"spark-format:{name}" for name in (*_SPARK_FORMATS, *lake)),
        ]
    )


def spark_properties(arguments: Mapping[str, str]) -> dict[str, str]:
    """Return the Spark properties that a run sets: those of `--conf` that have an effect on one machine."""
    properties = {name: value for name, value in _assignments(arguments) if _kind(name) in (_APPLIED, _LAKE)}
    executors = customer_variables(arguments, "--customer-executor-env-vars")
    return properties | {f"spark.executorEnv.{name}": value for name, value in executors.items()}


def event_logs(arguments: Mapping[str, str]) -> str | None:
    """Return the URI of the folder that Glue copies Spark's event log to, or None.

    https://docs.aws.amazon.com/glue/latest/dg/monitor-spark-ui-jobs.html
    """
    is_enabled = arguments.get("--enable-spark-ui", "false").lower() == "true"
    return (arguments.get("--spark-event-logs-path") or None) if is_enabled else None


def uses_catalog(arguments: Mapping[str, str]) -> bool:
    """Return whether Spark SQL uses the Data Catalog. Any value but false enables it, even an empty one.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-data-catalog-hive.html
    """
    return arguments.get(_CATALOG, "false").lower() != "false"


def s3a_region(arguments: Mapping[str, str]) -> str | None:
    """Return the region that `--conf` sets for S3A, or None."""
    return dict(_assignments(arguments)).get(S3A_REGION)


def customer_variables(
    arguments: Mapping[str, str], argument: str = "--customer-driver-env-vars"
) -> dict[str, str]:
    """Return the environment variables `CUSTOMER_A=1,CUSTOMER_B="2,3"`. Glue ignores other names.

    Raises OSError if the value cannot be parsed.
    """
    words = shlex.shlex(arguments.get(argument, ""), posix=True, punctuation_chars="")
    words.whitespace, words.whitespace_split, words.commenters = ",", True, ""
    try:
        pairs = [word.strip().partition("=") for word in words]
    except ValueError as error:  # a quotation mark without its counterpart
        raise OSError(f"{argument}: {error}.") from error
    return {name: value for name, _, value in pairs if _CUSTOMER.fullmatch(name)}


def listed(arguments: Mapping[str, str], argument: str) -> list[str]:
    """Return the items of a comma-separated argument."""
    return [item.strip() for item in arguments.get(argument, "").split(",") if item.strip()]


def _settings(arguments: Mapping[str, str]) -> list[str]:
    """Return the assignments of `--conf`, whose value may be `a=1 --conf b=2`."""
    return [part for part in re.split(r"(?:^|\s+)--conf\s+", arguments.get(_CONF, "").strip()) if part]


def _assignments(arguments: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for setting in _settings(arguments):
        if match := _ASSIGNMENT.fullmatch(setting):
            yield match[1], match[2].strip()


def _kind(name: str) -> tuple[str, ...]:
    kinds = (_APPLIED, _IGNORED, _LAKE, _REFUSED)
    beginnings = [(len(text), kind) for kind in kinds for text in kind if name.startswith(text)]
    return max(beginnings, key=lambda beginning: beginning[0])[1]
