"""Causes of failed runs: what a message of Glue, Spark or Python means, and what to do about it.

`CAUSES` is one table in order: the first rule whose pattern is in the text wins. Specific texts come before
general ones, and what fails first in a chain of exceptions before what follows from it. The source of a rule
describes the cause. Patterns are the fixed words of texts, which come from the sources or, where AWS prints
none, from public issues and logs; tests/unit/domain/test_run_causes.py has the texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

UNKNOWN = "unknown"

# Sources. Spark's texts are in error-classes.json of Spark 3.5, which Glue 5 runs.
_SPARK = "https://spark.apache.org/docs/3.5.6/sql-error-conditions.html"
_GLUE = "https://docs.aws.amazon.com/glue/latest/dg/"
_REPOST = "https://repost.aws/knowledge-center/"
_PYTHON = "https://docs.python.org/3/library/exceptions.html"
_READS = 20_000
"""Characters of a text that are searched, so that a long message costs nothing."""


class Cause(NamedTuple):
    """What made a run fail: a class for programs, and a hint for the author of the script."""

    name: str
    hint: str


class _Rule(NamedTuple):
    name: str
    source: str
    pattern: re.Pattern[str]
    hint: str


def _rule(name: str, source: str, pattern: str, hint: str) -> _Rule:
    return _Rule(name, source, re.compile(pattern, re.IGNORECASE), hint)


# fmt: off
CAUSES = (
    # -- before the script ------------------------------------------------------------------------------
    _rule("stopped", "chalicelib/runs/job_runs.py",
          r"^The run was stopped before it started",
          "Somebody stopped the run, or the environment was reset, frozen or deleted. Run the job again."),
    _rule("concurrent_runs", f"{_GLUE}job-run-statuses.html",
          r"ConcurrentRunsExceeded|Concurrent runs exceeded|Max(imum)? concurrent (job )?runs",
          "Another run of the job is active. Wait for its end, or raise max_concurrent_runs of the job."),
    _rule("no_capacity", f"{_GLUE}job-run-statuses.html",
          r"ResourceNumberLimitExceeded|Max(imum)? concurrent compute|exceeded your maximum capacity|"
          r"Resource unavailable|insufficient (instance )?capacity|Unable to acquire resources",
          "AWS has no free workers for the account at the moment. Run the job again in some minutes, or "
          "with fewer workers. If it happens often, ask an operator to raise the account's quota."),
    _rule("network", f"{_GLUE}glue-troubleshooting-errors.html",
          r"S3 endpoint (validation failed|or NAT gateway)|VPC S3 endpoint|subnet does not have enough|"
          r"Could not find subnet|(In|Out)bound rule in security group|UnknownHostException|"
          r"No route to host|Network is unreachable|Could not connect to the endpoint URL|"
          r"EndpointConnectionError",
          "The workers do not reach the network address in the message. Check the address; if the job uses "
          "a connection, check its subnet, its security group and the S3 endpoint of the VPC."),
    _rule("unsupported_version", f"{_GLUE}release-notes.html",
          r"(Glue ?Version|Worker ?type|PythonVersion) \S* ?(is|are) not (valid|supported)|"
          r"Unsupported (Glue version|worker type)|is not supported (by|in) Glue version",
          "Glue does not support this combination. Change glue_version or worker_type of the job."),
    _rule("job_not_found", f"{_GLUE}aws-glue-api-exceptions.html",
          r"^The job no longer exists|Job [\w-]+ not found",
          "Somebody deleted the Glue job outside of this service. The environment's repair creates it "
          "again: retry the environment, then run the job."),
    _rule("timeout", f"{_GLUE}job-run-statuses.html",
          r"^Job run timed out|has exceeded the (job )?timeout|Glue reported TIMEOUT",
          "The run took longer than its timeout_minutes. See which stage took the time in the run's "
          "metrics. Use more workers, read fewer files, or raise timeout_minutes."),
    # -- resources of the workers -----------------------------------------------------------------------
    _rule("out_of_memory", f"{_REPOST}glue-oom-java-heap-space-error",
          r"OutOfMemory|Java heap space|GC overhead limit|Container killed by YARN|exceeding memory limits|"
          r"exit (code|status):? ?137|Cannot allocate memory|MemoryError|memory was short|"
          r"spark\.driver\.maxResultSize|Unable to acquire \d+ bytes of memory",
          "A process ran out of memory. Do not collect() or toPandas() large tables, do not broadcast them,"
          " and look at the skew in the run's metrics. Otherwise use a larger worker_type."),
    _rule("disk_full", f"{_GLUE}monitor-observability.html",
          r"No space left on device",
          "A worker's disk is full, usually of shuffled data. Filter rows and columns before joins, look at"
          " the skew in the run's metrics, or use more workers."),
    _rule("lost_executor", f"{_GLUE}monitor-profile-debug-oom-abnormalities.html",
          r"ExecutorLostFailure|MetadataFetchFailed|FetchFailedException|Slave lost|Remote RPC client",
          "Spark lost a worker, most often because it ran out of memory. Look at the skew in the run's "
          "metrics, use a larger worker_type, or repartition the data."),
    # -- AWS --------------------------------------------------------------------------------------------
    _rule("kms_access_denied", f"{_REPOST}s3-403-forbidden-error",
          r"not authorized to perform: kms:|KMS\.(AccessDenied|Disabled)|"
          r"ciphertext refers to a customer master key|KMSInvalidState",
          "The job's role may not use the KMS key of this object. A sandbox's job has access to the "
          "sandbox's own key only: read and write data of this sandbox."),
    _rule("catalog_access_denied", f"{_GLUE}security_iam_troubleshoot.html",
          r"not authorized to perform: glue:|Insufficient Lake Formation permission",
          "The job's role may not use this database or table of the Data Catalog. It may read the sandbox's"
          " databases and write to its database sot: check the name of the database."),
    _rule("throttled", f"{_REPOST}emr-s3-503-slow-down",
          r"Slow ?Down|reduce your request rate|Throttl|Rate exceeded|TooManyRequests|Status Code: 503",
          "AWS limited the rate of requests. Write fewer and larger files, with coalesce() or "
          "repartition(), and run the job again."),
    _rule("module_installation", f"{_GLUE}aws-glue-programming-python-libraries.html",
          r"Installation of Additional Python Modules failed",
          "Glue could not install a package of python_modules. Check the names and versions of the packages; "
          "the message or the error log has the words of pip."),
    _rule("script_not_found", f"{_GLUE}data-quality-trouble.html",
          r"Error downloading from S3 for bucket(?![^\n]*(Access Denied|403))|"
          r"(script|\.py|\.zip|\.whl)\b[^\n]*(NoSuchKey|404|Not Found|specified key does not exist)",
          "Glue did not find the script or a library of the job in S3. Upload the job file, and check "
          "script and extra_files of the job."),
    _rule("storage_class", f"{_GLUE}glue-troubleshooting-errors.html",
          r"not valid for the object's storage class|InvalidObjectState",
          "The object is archived in S3 Glacier. Restore it, or leave it out of the path."),
    _rule("access_denied", f"{_GLUE}glue-troubleshooting-errors.html",
          r"Access ?Denied|AllAccessDisabled|not authorized to perform|Status Code: 403|403 Forbidden|"
          r"InvalidAccessKeyId|PermissionError",
          "The job's role may not do this. It may read the sandbox's buckets and write to its sot and spec "
          "buckets: check the name of the bucket and the path."),
    _rule("bookmark", f"{_GLUE}monitor-observability.html",
          r"VersionMismatchException|Continuation (update failed|for job)|job bookmark|"
          r"bookmark (state|update)",
          "Two runs changed the job's bookmark at the same time. Keep max_concurrent_runs at 1 for a job "
          "with bookmarks, and run it again. DELETE the job's bookmark to read all files again."),
    # -- data that Spark reads and writes ---------------------------------------------------------------
    _rule("database_not_found", _SPARK,
          r"SCHEMA_NOT_FOUND|NoSuchDatabase|Database '?\S+'? not found|Database \S+ (cannot be found|"
          r"does not exist)",
          "The Data Catalog has no database with this name. GET the environment's tables for the names, and"
          " use catalog_name of the database."),
    _rule("table_not_found", _SPARK,
          r"TABLE_OR_VIEW_NOT_FOUND|NoSuchTable|Table or view not found|Table \S+ not found|"
          r"EntityNotFoundException|Entity Not Found",
          "The Data Catalog has no table with this name. GET the environment's tables for the names, and "
          "write the database before the table: database.table."),
    _rule("column_not_found", _SPARK,
          r"UNRESOLVED_(COLUMN|FIELD|MAP_KEY|USING_COLUMN)|FIELD_NOT_FOUND|"
          r"cannot resolve '\S+' given input columns|Cannot resolve column name",
          "No table of the query has a column with this name. Compare it with the columns that the message "
          "suggests, or with printSchema() of the data frame."),
    _rule("ambiguous_column", _SPARK,
          r"AMBIGUOUS_(REFERENCE|COLUMN|LATERAL)|is ambiguous, could be",
          "Several tables of the query have this column. Write the table or the alias before its name, or "
          "drop one of the columns before the join."),
    _rule("function_not_found", _SPARK,
          r"UNRESOLVED_ROUTINE|Undefined function",
          "Spark SQL has no function with this name. Functions of Athena have other names in Spark: see the"
          " list of Spark's functions."),
    _rule("sql_aggregation", _SPARK,
          r"MISSING_AGGREGATION|MISSING_GROUP_BY|GROUP_BY_AGGREGATE",
          "Add the column to GROUP BY, or use it in an aggregate function such as max() or first()."),
    _rule("sql_syntax", _SPARK,
          r"PARSE_SYNTAX_ERROR|ParseException|Syntax error at or near|mismatched input|extraneous input|"
          r"PARSE_EMPTY_STATEMENT",
          "Spark cannot read the SQL. sql_line and sql_position say where; a comma, a parenthesis or a "
          "quote is often missing before it."),
    _rule("path_not_found", _SPARK,
          r"PATH_NOT_FOUND|Path does not exist|NoSuchBucket|NoSuchKey|FileNotFoundException|"
          r"FileNotFoundError|No such file or directory|specified (bucket|key) does not exist",
          "There is no object at this path. Check the bucket and the folders, letter by letter: S3 is case "
          "sensitive."),
    _rule("already_exists", _SPARK,
          r"PATH_ALREADY_EXISTS|path \S+ already exists|ALREADY_EXISTS|AlreadyExistsException|"
          r"FileAlreadyExists",
          "The output exists from an earlier run. Write it with mode('overwrite') or mode('append')."),
    _rule("corrupt_file", f"{_GLUE}glue-troubleshooting-errors.html",
          r"is not a Parquet file|expected magic number|CANNOT_READ_FILE_FOOTER|Could not read footer|"
          r"Malformed ORC file|not in GZIP format|Unexpected end of (input|ZLIB)|Unable to parse file|"
          r"FAILED_READ_FILE|Not an Avro data file|Error while reading file",
          "A file of the input is damaged or of another format than the reader expects. The message or the "
          "log names the file: remove it, or read it in its own format."),
    _rule("malformed_record", _SPARK,
          r"MALFORMED_RECORD|Malformed (records|CSV|JSON)|BadRecordException|_corrupt_record|"
          r"CANNOT_PARSE_JSON",
          "A record does not match the schema. Read with mode PERMISSIVE and look at the column "
          "_corrupt_record, or correct the schema."),
    _rule("no_schema", _SPARK,
          r"UNABLE_TO_INFER_SCHEMA|Unable to infer schema|CANNOT_INFER_EMPTY_SCHEMA|can not infer schema",
          "Spark found no file to take the columns from. Check that the path has files of this format, or "
          "give the reader a schema."),
    _rule("type_mismatch", _SPARK,
          r"DATATYPE_MISMATCH|CAST_(INVALID_INPUT|OVERFLOW)|INCOMPATIBLE_(COLUMN_TYPE|DATA)|"
          r"data type mismatch|cannot be cast|Cannot up cast|CANNOT_MERGE|NUM_COLUMNS_MISMATCH|"
          r"CANNOT_PARSE_TIMESTAMP|INCONSISTENT_BEHAVIOR_CROSS_VERSION|Parquet column cannot be converted|"
          r"SchemaColumnConvert",
          "A value or a column has another type than the expression needs. Convert it with cast(), or with "
          "try_cast() where some values are malformed."),
    _rule("arithmetic", _SPARK,
          r"DIVIDE_BY_ZERO|ZeroDivisionError|ARITHMETIC_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE",
          "A calculation has no result, such as a division by zero. Filter these rows before, or use "
          "try_divide()."),
    _rule("connection", f"{_GLUE}glue-troubleshooting-errors.html",
          r"JDBC|Communications link failure|Connection (refused|timed out|reset)|SQLException|"
          r"PSQLException|Login failed for user|ConnectTimeout|Read timed out|SocketTimeout",
          "The job did not reach the database or service. Check the address, the port, the user and the "
          "connection of the job."),
    # -- Python -----------------------------------------------------------------------------------------
    _rule("missing_argument", f"{_GLUE}aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html",
          r"GlueArgumentError|the following arguments are required|argument --\S+: expected",
          "The script reads a job argument that the run does not have. Add it to arguments of the run or of"
          " the job, with -- before its name."),
    _rule("module_not_found", f"{_GLUE}aws-glue-programming-python-libraries.html",
          r"ModuleNotFoundError|No module named",
          "Glue does not have this Python module. Add its package to python_modules of the job, or upload "
          "the module as a job file and list it in extra_files."),
    _rule("import", _PYTHON,
          r"ImportError|cannot import name",
          "The module exists and lacks this name. Check the spelling, and the version in python_modules."),
    _rule("python_indentation", _PYTHON,
          r"IndentationError|TabError",
          "The line is indented differently from its block. Use four spaces for each level, and no tabs."),
    _rule("python_syntax", _PYTHON,
          r"SyntaxError|invalid syntax|was never closed|unterminated string",
          "Python cannot read the file at this line. A parenthesis, a quote or a colon is often missing "
          "there or on the line before."),
    _rule("name", _PYTHON,
          r"NameError|UnboundLocalError",
          "The script uses a name before it defines or imports it. Check the spelling."),
    _rule("attribute", _PYTHON,
          r"AttributeError|ATTRIBUTE_NOT_SUPPORTED|is not callable|NoneType",
          "The object does not have this attribute or method, or is None: check the spelling, and that the "
          "call before returned something."),
    _rule("key", _PYTHON,
          r"KeyError|IndexError",
          "A dictionary or a list has no such entry. Check the key, or use get() with a default."),
    _rule("assertion", _PYTHON,
          r"AssertionError",
          "A check of the script itself failed. Look at the line for what it expects."),
    _rule("exit", _PYTHON,
          r"SystemExit|SYSTEM_EXIT_ERROR",
          "The script ended itself with a code other than 0. A Glue script should end without sys.exit()."),
    _rule("value", _PYTHON,
          r"ValueError|TypeError|\[NOT_\w+\] Argument",
          "The script passes a value that the function does not accept. Look at the line, and print the "
          "value."),
    _rule("internal_error", f"{_GLUE}aws-glue-api-exceptions.html",
          r"InternalServiceException|Internal ?(Service|Server) ?(Error|Exception)|INTERNAL_ERROR",
          "AWS or Spark failed internally. Run the job again; if it repeats, give the run's ID to an "
          "operator."),
)
# fmt: on

_GENERAL_HINT = (
    "Read the error log of the run from its end: the last exception is the first to understand. Then repeat "
    "the failing step with fewer rows."
)


def cause_of(message: str, log: Iterable[str] = ()) -> Cause:
    """Return the cause of a message or, if the message has none, of the last line of a log that has one."""
    if found := _find(message):
        return found
    return next(filter(None, map(_find, reversed(list(log)))), Cause(UNKNOWN, _GENERAL_HINT))


def _find(text: str) -> Cause | None:
    start = text[:_READS]
    return next((Cause(rule.name, rule.hint) for rule in CAUSES if rule.pattern.search(start)), None)
