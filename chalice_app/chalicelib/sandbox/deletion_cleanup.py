"""Removal of an environment: its objects, tables, stack, log groups and template copy, and its receipt."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.cloudformation import TABLE, Stack, StackResource, Stacks
from chalicelib.aws.errors import AwsRefused
from chalicelib.aws.existence import DeletionCheck, ExistenceChecker
from chalicelib.aws.logs import Logs
from chalicelib.aws.s3 import Buckets
from chalicelib.domain.byte_limits import MESSAGE_BYTES, RECEIPT_BYTES, cut
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import redacted
from chalicelib.domain.receipts import Receipt, ReceiptEntry, listed
from chalicelib.storage.releases import Releases

_OBJECTS, _LOGS = "AWS::S3::Object", "AWS::Logs::LogGroup"
_BUCKET, _DATABASE = "AWS::S3::Bucket", "AWS::Glue::Database"
_WHY = {
    _OBJECTS: "Object versions, delete markers and incomplete uploads in the buckets.",
    TABLE: "Created in the environment outside the stack, by the job or by hand.",
    _LOGS: "Created by runs, outside the stack or after its deletion.",
}
_MOST_LISTED = 3


class DeletionCleanup:
    """Removes what an environment created. Every method can be repeated safely."""

    def __init__(
        self,
        *,
        stacks: Stacks,
        buckets: Buckets,
        catalog: Catalog,
        logs: Logs,
        prover: ExistenceChecker,
        releases: Releases,
    ) -> None:
        self._stacks = stacks
        self._buckets = buckets
        self._catalog = catalog
        self._logs = logs
        self._prover = prover
        self._releases = releases

    def empty(self, stack: Stack) -> Iterator[tuple[str, int]]:
        """Empty the buckets of a stack and remove tables that it did not create, so that it can be deleted.

        Yields the type and the number of removed things after each batch. Skips what AWS refuses to remove,
        and raises the first `AwsRefused` at the end.
        """
        refused: AwsRefused | None = None
        parts = [part for part in self._stacks.parts(stack) if part.status != "DELETE_COMPLETE"]
        of_the_stack = {part.physical_id.rpartition("|")[2] for part in parts if part.type == TABLE}
        for part in parts:
            try:
                if part.type == _BUCKET:
                    for count in self._buckets.empty(part.physical_id):
                        yield _OBJECTS, count
                elif part.type == _DATABASE:
                    for count in self._catalog.remove_tables(part.physical_id, but=of_the_stack):
                        yield TABLE, count
            except AwsRefused as error:
                refused = refused or error
        if refused is not None:
            raise refused

    def delete_stack(self, environment: Environment, stack: Stack) -> None:
        """Start deleting the stack. The record's version makes each attempt a new request."""
        self._stacks.delete(stack.id, token=f"delete-{environment.id}-{environment.version}")

    def failure_reason(self, environment: Environment, stack: Stack) -> str:
        """Return why CloudFormation could not delete the stack: the resources and AWS's messages."""
        failed = [part for part in self._stacks.parts(stack) if part.status == "DELETE_FAILED"]
        if not failed:
            return redacted(f"AWS could not delete the stack: {stack.reason or stack.status}", environment.id)
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        words = f"{failed[0].type} {failed[0].physical_id}{more}: {failed[0].reason}"
        return redacted(f"AWS could not delete {words}", environment.id)

    def remove_logs(self, environment: Environment) -> tuple[str, int]:
        """Remove the log groups of the runs. A run that ends late may create its log groups again."""
        return _LOGS, self._logs.remove_groups(f"/aws-glue/jobs/{environment.name}/")

    def verify(self, stack: Stack) -> DeletionCheck:
        """Check for each resource of a deleted stack that it does not exist."""
        return self._prover.verify_deletion(self._stacks.parts(stack))

    def remove_leftovers(self, parts: list[StackResource]) -> Iterator[tuple[str, int]]:
        """Remove resources that still exist after their stack was deleted, in batches like `empty`."""
        for part in parts:
            if part.type == _BUCKET:
                for count in self._buckets.empty(part.physical_id):
                    yield _OBJECTS, count
                self._buckets.remove_bucket(part.physical_id)
            elif part.type == _DATABASE:
                self._catalog.remove_database(part.physical_id)

    def receipt(self, environment: Environment, proof: DeletionCheck | None) -> Receipt:
        """Remove the copy of the template. Return what was removed, what remains, and why."""
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


def emptying_progress(removed: dict[str, int]) -> str:
    """Return the progress of an emptying, as the environment's `reason` shows it."""
    return f"Emptying the buckets: {removed.get(_OBJECTS, 0):,} object versions removed so far."


def leftovers_reason(parts: list[StackResource]) -> str:
    """Return why an environment is not DELETED although its stack is."""
    listed_parts = ", ".join(f"{part.type} {part.physical_id}" for part in parts[:_MOST_LISTED])
    more = f" and {len(parts) - _MOST_LISTED} more" if len(parts) > _MOST_LISTED else ""
    return cut(f"The stack is deleted, but these resources still exist: {listed_parts}{more}.", MESSAGE_BYTES)
