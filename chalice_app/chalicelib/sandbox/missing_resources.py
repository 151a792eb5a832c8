"""Missing resources: those of a complete stack that were deleted outside CloudFormation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.aws.cloudformation import Stack, StackResource, Stacks
from chalicelib.aws.errors import AwsError
from chalicelib.aws.existence import CHECKED, ExistenceChecker, MissingResource
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import Failure, failure
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.template_parameters import camel, template_parameters
from chalicelib.storage.releases import Releases
from chalicelib.storage.template_copies import further_jobs

_KEY, _BUCKET, _DATABASE = "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Glue::Database"
_RETRY = "Retry to create it again"
_FIXES = {
    _BUCKET: f"{_RETRY} with the release's files. Its other contents are lost.",
    _DATABASE: f"{_RETRY} with the release's tables. Your own tables are lost, but not their files.",
    _KEY: f"{_RETRY} and copy the release's files. Other data encrypted with it is lost.",
}
_CANCEL = (
    "Ask an operator to cancel the deletion of the key and to enable it{before}, then retry. "
    "After that date, all data encrypted with it is lost."
)


@dataclass(frozen=True)
class MissingResources:
    """Resources that certainly do not exist, and the errors of the checks that failed."""

    found: list[MissingResource]
    errors: list[AwsError]

    @property
    def ids(self) -> dict[str, str]:
        """Physical IDs by logical IDs."""
        return {missing.part.logical_id: missing.part.physical_id for missing in self.found}

    @property
    def pending_key(self) -> MissingResource | None:
        """The key whose deletion can still be cancelled. Replacing it would lose the data."""
        return next((missing for missing in self.found if missing.is_pending), None)

    def failure(self, environment: Environment) -> Failure:
        """Return the `failure` of the environment. At least one resource must be missing."""
        first = self.pending_key or self.found[0]
        more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
        verb = "scheduled for deletion" if first.is_pending else "deleted"
        message = f"{first.part.type} {first.part.physical_id}{more} was {verb} outside this service."
        cause = failure(first.part.logical_id, first.part.type, message, environment_id=environment.id)
        if first.is_pending:
            fix = _CANCEL.format(before=f" before {first.until}" if first.until else "")
        else:
            fix = _FIXES.get(first.part.type, f"{_RETRY}. No data is lost.")
        return replace(cause, cause="internal", fix=fix)


class MissingResourceFinder:
    """Checks whether the resources of a stack exist."""

    def __init__(
        self, config: Config, *, stacks: Stacks, prover: ExistenceChecker, releases: Releases
    ) -> None:
        self._config = config
        self._stacks = stacks
        self._prover = prover
        self._releases = releases

    def find_missing(self, environment: Environment, stack: Stack) -> MissingResources:
        """Check each resource of a complete stack, including resources that were removed from the stack.

        Costs one call per resource (about 15) and one to list them. A resource whose check is throttled,
        denied or unanswered does not count as missing.
        """
        parts = self._stacks.current(stack.id)
        found, errors = self._prover.absences(parts)
        return MissingResources([*self._removed_from_stack(environment, parts), *found], errors)

    def _removed_from_stack(
        self, environment: Environment, parts: list[StackResource]
    ) -> list[MissingResource]:
        release = self._releases.find(environment.release)
        if release is None:
            return []
        existing = {part.logical_id for part in parts if part.status != "DELETE_COMPLETE"}
        parameters = template_parameters(environment, self._config)
        expected = [
            (logical_id, kind)
            for logical_id, kind, when in release.resources
            if when is None or parameters.get(when) == "true"
        ]
        return [
            MissingResource(StackResource(kind, logical_id, "", "DELETE_COMPLETE"))
            for logical_id, kind in [*expected, *further_jobs(environment.settings)]
            if kind in CHECKED and logical_id not in existing
        ]


def lost_resources(environment: Environment) -> dict[str, str]:
    """Return the missing resources that an update creates again: physical IDs by logical IDs."""
    return (environment.wanted and environment.wanted.lost) or {}


def emptied_buckets(environment: Environment) -> set[str]:
    """Return the keys of the buckets whose content is lost.

    Without its KMS key, the content of every bucket is unreadable and so counts as lost.
    """
    lost = lost_resources(environment)
    return {key for key in BUCKET_KEYS if "Key" in lost or f"{camel(key)}Bucket" in lost}
