"""What removing an environment asks of AWS: its runs, objects, tables, stack and logs; and the proof."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.cloudformation import Part, Stack, Stacks
from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.existence import Proof, Prover
from chalicelib.aws.logs import Logs
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.byte_limits import MESSAGE_BYTES, RECEIPT_BYTES, cut
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import redacted
from chalicelib.domain.receipts import Receipt, ReceiptEntry, listed
from chalicelib.runs.job_runs import Runs
from chalicelib.storage.releases import Releases

_OBJECTS, _TABLES, _LOGS = "AWS::S3::Object", "AWS::Glue::Table", "AWS::Logs::LogGroup"
_BUCKET, _DATABASE = "AWS::S3::Bucket", "AWS::Glue::Database"
_WHY = {
    _OBJECTS: "Versions, delete markers and unfinished uploads in the buckets.",
    _TABLES: "Made in the sandbox, by the job or by hand; the stack knew nothing of them.",
    _LOGS: "Made by runs, outside of the stack or again after it.",
}
_MOST_TOLD = 3


class Removal:
    """Every method can be repeated without harm."""

    def __init__(
        self,
        *,
        stacks: Stacks,
        buckets: Buckets,
        catalog: Catalog,
        logs: Logs,
        prover: Prover,
        releases: Releases,
        runs: Runs,
    ) -> None:
        self._stacks = stacks
        self._buckets = buckets
        self._catalog = catalog
        self._logs = logs
        self._prover = prover
        self._releases = releases
        self._runs = runs

    def look(self, environment: Environment) -> Stack | None:
        """The environment's stack as it is now; None when there never was one."""
        return self._stacks.find(environment.stack_id or environment.name)

    def stop_runs(self, environment: Environment) -> bool:
        """Stop the runs; False while one still has to stop, and could write again."""
        return self._runs.stop_all(environment)

    def clear(self, stack: Stack) -> Iterator[tuple[str, int]]:
        """Empty the stack's buckets and remove the tables that it has not made, so that it can be deleted.

        Gives after each slice of work what it has removed: a type and how many. What AWS refuses to remove is
        passed over, and the first of it said at the end by an `AwsRefused`.
        """
        refused: AwsRefused | None = None
        parts = [part for part in self._stacks.parts(stack) if part.status != "DELETE_COMPLETE"]
        of_the_stack = {part.physical_id for part in parts if part.type == _TABLES}
        for part in parts:
            try:
                if part.type == _BUCKET:
                    for count in self._buckets.empty(part.physical_id):
                        yield _OBJECTS, count
                elif part.type == _DATABASE:
                    for count in self._catalog.remove_tables(part.physical_id, but=of_the_stack):
                        yield _TABLES, count
            except AwsRefused as error:
                refused = refused or error
        if refused is not None:
            raise refused

    def delete_stack(self, environment: Environment, stack: Stack) -> None:
        """Start deleting the stack; the version makes each attempt a new one to CloudFormation."""
        self._stacks.delete(stack.id, token=f"delete-{environment.id}-{environment.version}")

    def stuck(self, environment: Environment, stack: Stack) -> str:
        """Why CloudFormation could not delete the stack: which things, and AWS's words."""
        failed = [part for part in self._stacks.parts(stack) if part.status == "DELETE_FAILED"]
        if not failed:
            return redacted(f"AWS could not delete the stack: {stack.reason or stack.status}", environment.id)
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        words = f"{failed[0].type} {failed[0].physical_id}{more}: {failed[0].reason}"
        return redacted(f"AWS could not delete {words}", environment.id)

    def remove_logs(self, environment: Environment) -> tuple[str, int]:
        """Remove the log groups of the runs; one that ended late may have made its own again."""
        return _LOGS, self._logs.remove_groups(f"/aws-glue/jobs/{environment.name}/")

    def prove(self, stack: Stack) -> Proof:
        """Look whether all that a deleted stack had made is really gone."""
        return self._prover.prove(self._stacks.parts(stack))

    def remove_left(self, parts: list[Part]) -> Iterator[tuple[str, int]]:
        """Remove what a deleted stack has lost sight of, as far as the service may; in slices, as `clear`."""
        for part in parts:
            if part.type == _BUCKET:
                for count in self._buckets.empty(part.physical_id):
                    yield _OBJECTS, count
                self._buckets.remove_bucket(part.physical_id)
            elif part.type == _DATABASE:
                self._catalog.remove_database(part.physical_id)

    def receipt(self, environment: Environment, proof: Proof | None) -> Receipt:
        """Remove the last trace outside of the sandbox; say what was removed and what remains, and why."""
        self._releases.remove_template(environment)
        counted = [
            ReceiptEntry(kind, count=count, why=_WHY[kind])
            for kind, count in sorted(environment.removed.items())
            if count
        ]
        return Receipt(
            removed=listed([*(proof.removed if proof else []), *counted], RECEIPT_BYTES),
            remaining=listed([*environment.remaining, *(proof.remaining if proof else [])], RECEIPT_BYTES),
        )


def so_far(removed: dict[str, int]) -> str:
    """The progress of an emptying, for people."""
    return f"Emptying the buckets: {removed.get(_OBJECTS, 0):,} object versions removed so far."


def still_there(parts: list[Part]) -> str:
    """Why an environment is not DELETED though its stack is."""
    told = ", ".join(f"{part.type} {part.physical_id}" for part in parts[:_MOST_TOLD])
    more = f" and {len(parts) - _MOST_TOLD} more" if len(parts) > _MOST_TOLD else ""
    return cut(f"The stack is deleted, but still there: {told}{more}.", MESSAGE_BYTES)
