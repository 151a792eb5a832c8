"""Change sets of an update: creation, check for data loss, execution and rollback."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.change_sets import Change, ChangeSet, ChangeSets
from chalicelib.aws.cloudformation import Stack
from chalicelib.aws.s3 import Buckets
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import Failure
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.missing_resources import lost_resources
from chalicelib.sandbox.resource_failures import update_failure
from chalicelib.sandbox.template_parameters import stack_tags, template_parameters
from chalicelib.storage.releases import Releases


class StackUpdates:
    """Creates and executes the change set of an update. Every method can be repeated safely."""

    def __init__(
        self,
        config: Config,
        *,
        change_sets: ChangeSets,
        buckets: Buckets,
        catalog: Catalog,
        releases: Releases,
    ) -> None:
        self._config = config
        self._change_sets = change_sets
        self._buckets = buckets
        self._catalog = catalog
        self._releases = releases

    def create_change_set(self, environment: Environment) -> None:
        """Start creating the change set for the desired settings and release.

        To recreate resources that were deleted by hand, and to reset, it compares with the actual resources.
        """
        reverts_drift = environment.wanted is not None and environment.wanted.reverts_drift
        goal = environment.as_desired
        self._change_sets.create(
            environment.name,
            _name(environment),
            template_url=self._releases.template_url(goal),
            parameters=template_parameters(goal, self._config),
            tags=stack_tags(goal, self._config),
            is_drift_aware=reverts_drift or bool(lost_resources(environment)),
        )

    def find_change_set(self, environment: Environment) -> ChangeSet | None:
        """Describe the change set. Return None if it does not exist."""
        return self._change_sets.find(environment.name, _name(environment))

    def execute_change_set(self, environment: Environment) -> bool:
        """Start executing the change set. Return False if it cannot be executed in its current state."""
        return self._change_sets.execute(environment.name, _name(environment))

    def discard_change_set(self, environment: Environment, ends_as: Environment) -> None:
        """Delete the change set, and the copy of the template unless the final settings need it."""
        self._change_sets.delete(environment.name, _name(environment))
        if not ends_as.settings.has_own_template:
            self._releases.remove_template(environment)

    def continue_rollback(self, environment: Environment, stack: Stack) -> None:
        """Retry the rollback of a failed update. The record's version makes each attempt a new request."""
        token = f"{_name(environment)}-rollback-{environment.version}"
        self._change_sets.continue_rollback(stack.id, token=token)

    def data_loss(self, environment: Environment, change_set: ChangeSet) -> Failure | None:
        """Return why the change set must not be executed, or None if it removes nothing that holds data."""
        for change in change_set.changes:
            if change.ends_it and self._holds_data(environment, change, change_set):
                verb = "remove" if change.action == "Remove" else "replace"
                message = f"The change would {verb} {change.physical_id}, which holds data."
                cause = update_failure(change.logical_id, change.type, message, environment_id=environment.id)
                fix = (
                    "Nothing was changed. Empty the resource and retry, or create a new environment with "
                    "these settings."
                )
                return replace(cause, cause="invalid_request", fix=fix)
        return None

    def _holds_data(self, environment: Environment, change: Change, change_set: ChangeSet) -> bool:
        if change.type == "AWS::S3::Bucket":
            return not self._buckets.is_empty(change.physical_id)
        if change.type == "AWS::KMS::Key":  # the data that it encrypted would be lost
            return not all(self._buckets.is_empty(environment.bucket(key)) for key in BUCKET_KEYS)
        if change.type == "AWS::Glue::Database":
            tables = {table.name for table in self._catalog.tables(change.physical_id) or ()}
            if change.action == "Remove":  # the change set also removes the release's own tables
                tables -= {
                    other.physical_id.rpartition("|")[2]
                    for other in change_set.changes
                    if other.type == "AWS::Glue::Table" and other.action == "Remove"
                }
            return bool(tables)
        return False


def _name(environment: Environment) -> str:
    """Return the name of the change set, which is also CloudFormation's token for repeated calls."""
    return f"{environment.name}-change-{environment.changes}"
