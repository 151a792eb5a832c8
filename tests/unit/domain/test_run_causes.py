# ruff: noqa: E501 - the texts are quoted as they are
"""Causes of failed runs: texts as Glue, Spark and Python print them, and the cause of each.

The texts are those of the sources named in `CAUSES`, of AWS re:Post, and of public issues, with other names.
The texts with a condition in square brackets are Spark 3.5.6's own (error-classes.json).
"""

from __future__ import annotations

import pytest

from chalicelib.domain.run_causes import CAUSES, cause_of
from tests.support.paths import ROOT

DENIED = "User: arn:aws:sts::123456789012:assumed-role/job/GlueJobRunnerSession is not authorized to perform"
TEXTS = [
    ("The run was stopped before it started.", "stopped"),
    ("ConcurrentRunsExceededException: Concurrent runs exceeded for terraglue-a-b", "concurrent_runs"),
    ("Max concurrent job runs per job exceeded", "concurrent_runs"),
    ("Exceeded maximum concurrent compute capacity for your account: 100. Please contact AWS Support "
     "(ResourceNumberLimitExceededException)", "no_capacity"),
    ("Resource unavailable", "no_capacity"),
    ("VPC S3 endpoint validation failed for SubnetId: subnet-0a1b. VPC: vpc-0c1d. Reason: Could not find S3 "
     "endpoint or NAT gateway for subnetId: subnet-0a1b in Vpc vpc-0c1d", "network"),
    ("The specified subnet does not have enough free addresses to satisfy the request.", "network"),
    ("java.net.UnknownHostException: db.example.internal", "network"),
    ("InvalidInputException: Worker type G.99X is not valid.", "unsupported_version"),
    ("The job no longer exists.", "job_not_found"),
    ("Job run timed out", "timeout"),
    ("java.lang.OutOfMemoryError: Java heap space", "out_of_memory"),
    ("Error Category: OUT_OF_MEMORY_ERROR; Command failed with exit code 137", "out_of_memory"),
    ("ExecutorLostFailure (executor 2 exited caused by one of the running tasks) Reason: Container killed by "
     "YARN for exceeding memory limits. 5.5 GB of 5.5 GB physical memory used. Consider boosting "
     "spark.yarn.executor.memoryOverhead.", "out_of_memory"),
    ("Job aborted due to stage failure: Total size of serialized results of 3225 tasks (1024.1 MB) is bigger "
     "than spark.driver.maxResultSize (1024.0 MB)", "out_of_memory"),
    ("The script's process was killed, perhaps because memory was short.", "out_of_memory"),
    ("An error occurred while calling o120.pyWriteDynamicFrame. No space left on device", "disk_full"),
    ("ExecutorLostFailure (executor 5 exited caused by one of the running tasks) Reason: Remote RPC client "
     "disassociated.", "lost_executor"),
    (f"{DENIED}: kms:Decrypt on resource: arn:aws:kms:us-east-1:123456789012:key/1 because no identity-based "
     "policy allows the kms:Decrypt action", "kms_access_denied"),
    (f"AccessDeniedException: {DENIED}: glue:GetTable on resource: arn:aws:glue:us-east-1:1:catalog because no "
     "identity-based policy allows the glue:GetTable action", "catalog_access_denied"),
    ("AccessDeniedException: Insufficient Lake Formation permission(s) on sales (Service: Glue, Status Code: "
     "400, Request ID: ee1f5acf)", "catalog_access_denied"),
    ("Please reduce your request rate. (Service: Amazon S3; Status Code: 503; Error Code: SlowDown; Request "
     "ID: 5C2A)", "throttled"),
    ("An error occurred (ThrottlingException) when calling the GetPartitions operation: Rate exceeded",
     "throttled"),
    ("s3://terraglue-a-glue-assets/jobs/main.py: An error occurred (NoSuchKey) when calling the GetObject "
     "operation: The specified key does not exist.", "script_not_found"),
    ("LAUNCH ERROR | Error downloading from S3 for bucket: terraglue-a-glue-assets, key: jobs/main.py. The "
     "specified key does not exist.", "script_not_found"),
    ("LAUNCH ERROR | Error downloading from S3 for bucket: other, key: jobs/main.py.Access Denied (Service: "
     "Amazon S3; Status Code: 403; Please refer logs for details.", "access_denied"),
    ("LAUNCH ERROR | Installation of Additional Python Modules failed: ERROR: glue_common.whl is not a valid "
     "wheel filename", "module_installation"),
    ("LAUNCH ERROR | Glue ETL Marketplace - failed to download connector. Please refer to the logs for "
     "details.", "unknown"),
    ("The operation is not valid for the object's storage class (Service: Amazon S3; Status Code: 403; Error "
     "Code: InvalidObjectState)", "storage_class"),
    ("An error occurred while calling o91.parquet. Access Denied (Service: Amazon S3; Status Code: 403; Error "
     "Code: AccessDenied; Request ID: 1)", "access_denied"),
    ("com.amazonaws.services.gluejobexecutor.model.VersionMismatchException: Continuation update failed due "
     "to version mismatch. Expected version 6 but found version 8", "bookmark"),
    ("AnalysisException: [SCHEMA_NOT_FOUND] The schema `sales` cannot be found. Verify the spelling and "
     "correctness of the schema and catalog.", "database_not_found"),
    ("EntityNotFoundException: Database sales not found.", "database_not_found"),
    ("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table or view `orders` cannot be found. Verify the "
     "spelling and correctness of the schema and catalog.; line 1 pos 14", "table_not_found"),
    ("An error occurred while calling o79.getCatalogSource. Entity Not Found (Service: AWSGlue; Status Code: "
     "400; Error Code: EntityNotFoundException)", "table_not_found"),
    ("AnalysisException: [UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with name `prise` "
     "cannot be resolved. Did you mean one of the following? [`price`].", "column_not_found"),
    ("AnalysisException: cannot resolve '`prise`' given input columns: [price]", "column_not_found"),
    ("AnalysisException: [AMBIGUOUS_REFERENCE] Reference `id` is ambiguous, could be: [`a`.`id`, `b`.`id`].",
     "ambiguous_column"),
    ("AnalysisException: [UNRESOLVED_ROUTINE] Cannot resolve function `date_parse` on search path [`system`].",
     "function_not_found"),
    ("AnalysisException: [MISSING_AGGREGATION] The non-aggregating expression \"city\" is based on columns "
     "which are not participating in the GROUP BY clause.", "sql_aggregation"),
    ("ParseException: [PARSE_SYNTAX_ERROR] Syntax error at or near 'FRM'.(line 1, pos 9)", "sql_syntax"),
    ("AnalysisException: [PATH_NOT_FOUND] Path does not exist: s3://terraglue-a-sor/ordrs.", "path_not_found"),
    ("AnalysisException: [PATH_ALREADY_EXISTS] Path s3://terraglue-a-sot/t already exists. Set mode as "
     "\"overwrite\" to overwrite the existing path.", "already_exists"),
    ("s3://terraglue-a-sor/orders.csv is not a Parquet file. Expected magic number at tail, but found "
     "[48, 48, 51, 10]", "corrupt_file"),
    ("An error occurred while calling o158.toDF. Unable to parse file: videos.csv", "corrupt_file"),
    ("[MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION] Malformed records are detected in record parsing: "
     "[null]. Parse Mode: FAILFAST.", "malformed_record"),
    ("AnalysisException: [UNABLE_TO_INFER_SCHEMA] Unable to infer schema for Parquet. It must be specified "
     "manually.", "no_schema"),
    ("[CAST_INVALID_INPUT] The value 'n/a' of the type \"STRING\" cannot be cast to \"INT\" because it is "
     "malformed.", "type_mismatch"),
    ("AnalysisException: [DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES] Cannot resolve \"(a + b)\" due to data type "
     "mismatch: the left and right operands of the binary operator have incompatible types.", "type_mismatch"),
    ("[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate divisor being 0 and return NULL instead.",
     "arithmetic"),
    ("An error occurred while calling o85.getDynamicFrame. Communications link failure", "connection"),
    ("GlueArgumentError: the following arguments are required: --DAY", "missing_argument"),
    ("Error Category: IMPORT_ERROR; Failed Line Number: 1; ModuleNotFoundError: No module named 'yaml'",
     "module_not_found"),
    ("ImportError: cannot import name 'Droplet' from 'awsglue.transforms'", "import"),
    ("IndentationError: expected an indented block after 'if' statement on line 3 (main.py, line 4)",
     "python_indentation"),
    ("SyntaxError: '(' was never closed (main.py, line 7)", "python_syntax"),
    ("NameError: name 'spark' is not defined", "name"),
    ("AttributeError: 'DataFrame' object has no attribute 'wehre'", "attribute"),
    ("TypeError: 'NoneType' object is not iterable", "attribute"),
    ("Error Category: INVALID_ARGUMENT_ERROR; Failed Line Number: 59; KeyError: 'Tags'", "key"),
    ("AssertionError: no rows", "assertion"),
    ("Error Category: SYSTEM_EXIT_ERROR; SystemExit: 3", "exit"),
    ("ValueError: invalid literal for int() with base 10: 'a'", "value"),
    ("InternalServiceException: Internal Service Exception", "internal_error"),
    ("An error occurred while calling o1.x.", "unknown"),
    ("", "unknown"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cause"), TEXTS)
def test_the_cause_of_a_text(text: str, cause: str) -> None:
    found = cause_of(text)
    assert found.name == cause
    assert len(found.hint) > 40 and found.hint.endswith(".")


def test_every_rule_has_a_text_and_a_source() -> None:
    assert {rule.name for rule in CAUSES} == {cause for _, cause in TEXTS} - {"unknown"}
    assert all(rule.source.startswith(("https://", "chalicelib/")) for rule in CAUSES)


def test_the_guide_lists_every_cause() -> None:
    guide = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = guide.partition("Causes are:")[2].partition("\n\n")[0]
    assert [name for name in {rule.name for rule in CAUSES} if f"`{name}`" not in listed] == []


def test_a_message_without_a_cause_has_that_of_the_log() -> None:
    log = [
        "Traceback (most recent call last):",
        "  KeyError: 'a'",
        "java.lang.OutOfMemoryError: Java heap space",
        "Shutting down",
    ]
    assert cause_of("Command failed with exit code 1", log).name == "out_of_memory"
    assert cause_of("KeyError: 'b'", log).name == "key"


def test_a_long_text_takes_no_time() -> None:
    assert cause_of("Table " * 200_000).name == "unknown"
