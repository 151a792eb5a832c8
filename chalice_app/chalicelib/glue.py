"""How Glue is asked: job runs and the catalog's tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from chalicelib.errors import AwsRefused, from_boto, from_code
from chalicelib.records import Json, RunStatus

if TYPE_CHECKING:
    from mypy_boto3_glue import GlueClient

RUN_MARKER = "--terraglue-run-id"
"""The argument by which a run is recognised: StartJobRun has no request token of its own."""


# https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-partitions.html
_PARTITIONS_A_CALL = 100
# https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeleteTable.html
_TABLES_A_CALL = 100
# https://docs.aws.amazon.com/glue/latest/webapi/API_GetPartitions.html
_PARTITIONS_A_LOOK = 1000
_LAST_PARTITIONS = 10
# Of names that cannot be one Glue says the others.
_NO_SUCH_TABLE = ("EntityNotFoundException", "InvalidInputException", "ValidationException")


@dataclass(frozen=True)
class GlueRun:
    """A job run as Glue describes it now.

    `dpu_seconds` is None where Glue does not report it; `trigger` is the schedule that started it, if any.
    """

    id: str
    status: RunStatus
    marker: str | None
    started_at: datetime | None
    completed_at: datetime | None
    execution_seconds: int
    dpu_seconds: float | None
    error: str | None
    attempt: int = 0
    trigger: str | None = None


@dataclass(frozen=True)
class Column:
    """A column of a table, with its Hive type."""

    name: str
    type: str
    comment: str | None


@dataclass(frozen=True)
class CatalogTable:
    """A table as the catalog describes it; `format` is its classification, such as csv."""

    database: str
    name: str
    description: str | None
    format: str | None
    location: str | None
    columns: tuple[Column, ...]
    partition_keys: tuple[Column, ...]
    updated_at: datetime | None


@dataclass(frozen=True)
class Partitions:
    """Partitions of a table, as (values, location), sorted by their values, the last ones first.

    `is_complete` is False when there are more than those that were counted.
    """

    count: int
    is_complete: bool
    last: list[tuple[list[str], str | None]]


class Glue:
    """The calls that job runs and tables need; errors come out as `AwsError`."""

    def __init__(self, client: GlueClient, starter: GlueClient) -> None:
        self._client = client
        self._starter = starter

    def start(
        self,
        job: str,
        *,
        marker: str,
        arguments: Mapping[str, str],
        worker_type: str,
        number_of_workers: int,
        timeout_minutes: int,
    ) -> str:
        """Start a run and return Glue's id for it; called at most once per look at `find`.

        The `starter` client never repeats a call by itself, for a repetition could start a second run.
        """
        try:
            response = self._starter.start_job_run(
                JobName=job,
                Arguments={**arguments, RUN_MARKER: marker},
                WorkerType=cast(Any, worker_type),
                NumberOfWorkers=number_of_workers,
                Timeout=timeout_minutes,
            )
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        return response["JobRunId"]

    def attempts(self, job: str, marker: str) -> list[GlueRun]:
        """The runs that carry a marker, oldest first: one, and those by which Glue itself retried it."""
        try:
            pages = self._client.get_paginator("get_job_runs").paginate(JobName=job)
            found = [
                _run(run)
                for page in pages
                for run in page["JobRuns"]
                if run.get("Arguments", {}).get(RUN_MARKER) == marker
            ]
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error
        return sorted(found, key=lambda run: run.attempt)

    def get(self, job: str, run_id: str) -> GlueRun:
        """One run by Glue's id."""
        try:
            return _run(self._client.get_job_run(JobName=job, RunId=run_id)["JobRun"])
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def stop(self, job: str, run_id: str) -> None:
        """Ask Glue to stop a run; one that has ended is left as it is."""
        try:
            self._client.batch_stop_job_run(JobName=job, JobRunIds=[run_id])
        except (ClientError, BotoCoreError) as error:
            raise from_boto(error) from error

    def stop_trigger(self, name: str) -> None:
        """Start no more runs by a trigger; one that is stopped, or gone, is left as it is."""
        try:
            self._client.stop_trigger(Name=name)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code not in ("EntityNotFoundException", "InvalidInputException"):
                raise failure from error

    def add_partitions(
        self, database: str, table: str, storage: Json, partitions: list[tuple[list[str], str]]
    ) -> None:
        """Make (values, location) partitions of a table; those that are there are left as they are."""
        for begin in range(0, len(partitions), _PARTITIONS_A_CALL):
            wanted = [
                {"Values": values, "StorageDescriptor": {**storage, "Location": location}}
                for values, location in partitions[begin : begin + _PARTITIONS_A_CALL]
            ]
            try:
                answer = self._client.batch_create_partition(
                    DatabaseName=database, TableName=table, PartitionInputList=cast(Any, wanted)
                )
            except (ClientError, BotoCoreError) as error:
                raise from_boto(error) from error
            for failed in answer.get("Errors", []):
                detail = failed.get("ErrorDetail", {})
                if detail.get("ErrorCode") != "AlreadyExistsException":
                    raise AwsRefused(detail.get("ErrorCode", "Unknown"), detail.get("ErrorMessage", ""))

    def remove_tables(self, database: str, *, but: Set[str]) -> Iterator[int]:
        """Remove a database's tables but some, a hundred a step; gives after each how many.

        Glue removes their partitions and versions by itself, later; nobody can reach them from now on.
        https://docs.aws.amazon.com/glue/latest/webapi/API_BatchDeleteTable.html
        """
        try:
            pages = self._client.get_paginator("get_tables").paginate(DatabaseName=database)
            names = [
                table["Name"] for page in pages for table in page["TableList"] if table["Name"] not in but
            ]
            for begin in range(0, len(names), _TABLES_A_CALL):
                doomed = names[begin : begin + _TABLES_A_CALL]
                answer = self._client.batch_delete_table(DatabaseName=database, TablesToDelete=doomed)
                for failed in answer.get("Errors", []):
                    detail = failed.get("ErrorDetail", {})
                    if detail.get("ErrorCode") != "EntityNotFoundException":
                        words = f"{database}.{failed.get('TableName')}: {detail.get('ErrorMessage')}"
                        raise from_code(detail.get("ErrorCode", "Unknown"), words)
                yield len(doomed)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code != "EntityNotFoundException":
                raise type(failure)(failure.code, f"{database}: {failure.message}") from error

    def remove_database(self, database: str) -> None:
        """Remove a database with its tables; one that does not exist is removed."""
        try:
            self._client.delete_database(Name=database)
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code != "EntityNotFoundException":
                raise type(failure)(failure.code, f"{database}: {failure.message}") from error

    def tables(self, database: str, *, most: int) -> list[CatalogTable] | None:
        """The first tables of a database, by name; None when there is no such database. A call a hundred."""
        found: list[CatalogTable] = []
        try:
            for page in self._client.get_paginator("get_tables").paginate(DatabaseName=database):
                found += [_table(database, table) for table in page["TableList"]]
                if len(found) >= most:
                    break
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "EntityNotFoundException":
                return None
            raise failure from error
        return sorted(found[:most], key=lambda table: table.name)

    def table(self, database: str, name: str) -> CatalogTable | None:
        """One table; None when there is none of that name, or none could be."""
        try:
            return _table(database, self._client.get_table(DatabaseName=database, Name=name)["Table"])
        except ParamValidationError:
            return None
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code in _NO_SUCH_TABLE:
                return None
            raise failure from error

    def partitions(self, database: str, table: str) -> Partitions:
        """How many partitions a table has, up to a thousand, and the last of them; one call."""
        try:
            answer = self._client.get_partitions(
                DatabaseName=database,
                TableName=table,
                ExcludeColumnSchema=True,
                MaxResults=_PARTITIONS_A_LOOK,
            )
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "EntityNotFoundException":  # dropped since it was listed
                return Partitions(0, True, [])
            raise failure from error
        found = sorted(
            ((p["Values"], p.get("StorageDescriptor", {}).get("Location")) for p in answer["Partitions"]),
            key=lambda partition: partition[0],
            reverse=True,
        )
        return Partitions(len(found), "NextToken" not in answer, found[:_LAST_PARTITIONS])

    def table_location(self, database: str, table: str) -> str | None:
        """Where a catalog table's data lies; None when there is no such table."""
        try:
            found = self._client.get_table(DatabaseName=database, Name=table)["Table"]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "EntityNotFoundException":
                return None
            raise failure from error
        return found.get("StorageDescriptor", {}).get("Location")


def _table(database: str, table: Any) -> CatalogTable:
    storage = table.get("StorageDescriptor", {})
    return CatalogTable(
        database=database,
        name=table["Name"],
        description=table.get("Description"),
        format=table.get("Parameters", {}).get("classification"),
        location=storage.get("Location"),
        columns=_columns(storage.get("Columns", [])),
        partition_keys=_columns(table.get("PartitionKeys", [])),
        updated_at=table.get("UpdateTime") or table.get("CreateTime"),
    )


def _columns(columns: Any) -> tuple[Column, ...]:
    return tuple(Column(c["Name"], c.get("Type", "string"), c.get("Comment")) for c in columns)


def _run(run: Any) -> GlueRun:
    state = run["JobRunState"]
    return GlueRun(
        id=run["Id"],
        # WAITING (job run queuing) and EXPIRED are Glue states that the contract folds into its own.
        status=RunStatus({"WAITING": "STARTING", "EXPIRED": "ERROR"}.get(state, state)),
        marker=run.get("Arguments", {}).get(RUN_MARKER),
        started_at=run.get("StartedOn"),
        completed_at=run.get("CompletedOn"),
        execution_seconds=int(run.get("ExecutionTime", 0)),
        dpu_seconds=run.get("DPUSeconds"),
        error=run.get("ErrorMessage"),
        attempt=int(run.get("Attempt", 0)),
        trigger=run.get("TriggerName"),
    )
