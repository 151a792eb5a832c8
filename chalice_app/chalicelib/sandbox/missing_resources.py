"""Finds what was deleted by hand: resources of a complete stack that AWS says do not exist."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.aws.cloudformation import Part, Stack, Stacks
from chalicelib.aws.errors import AwsError
from chalicelib.aws.existence import CHECKED, Absence, Prover
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.failures import Failure, failure
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.template_parameters import camel, template_parameters
from chalicelib.storage.releases import Releases

_KEY, _BUCKET, _DATABASE = "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::Glue::Database"
_AGAIN = "Retry: it is created again"
_FIXES = {
    _BUCKET: f"{_AGAIN}, with the release's files; what else was in it is lost.",
    _DATABASE: f"{_AGAIN}, with the release's tables; tables of your own in it are lost, not their files.",
    _KEY: f"{_AGAIN}, and the release's files are copied anew; all else that it has encrypted is lost.",
}
_CANCEL = (
    "An operator must cancel the deletion of the key and enable it{before}; then retry. "
    "After that date, everything that it has encrypted is lost."
)


@dataclass(frozen=True)
class Losses:
    """What a stack has lost for certain, and the errors of the looks that told nothing."""

    found: list[Absence]
    doubts: list[AwsError]

    @property
    def ids(self) -> dict[str, str]:
        """The physical ids of what can be created again, by logical ids."""
        return {lost.part.logical_id: lost.part.physical_id for lost in self.found}

    @property
    def pending_key(self) -> Absence | None:
        """The key whose deletion can still be cancelled: another one in its place would lose the data."""
        return next((lost for lost in self.found if lost.is_pending), None)

    def failure(self, environment: Environment) -> Failure:
        """The `failure` of an environment that has lost these; not for none."""
        first = self.pending_key or self.found[0]
        more = f" (and {len(self.found) - 1} more)" if len(self.found) > 1 else ""
        verb = "scheduled for deletion" if first.is_pending else "deleted"
        words = f"{first.part.type} {first.part.physical_id}{more} was {verb} by somebody else."
        told = failure(first.part.logical_id, first.part.type, words, environment_id=environment.id)
        if first.is_pending:
            fix = _CANCEL.format(before=f" before {first.until}" if first.until else "")
        else:
            fix = _FIXES.get(first.part.type, f"{_AGAIN}; no data is lost.")
        return replace(told, cause="internal", fix=fix)


class Inspector:
    """Compares stacks with what AWS has."""

    def __init__(self, config: Config, *, stacks: Stacks, prover: Prover, releases: Releases) -> None:
        self._config = config
        self._stacks = stacks
        self._prover = prover
        self._releases = releases

    def losses(self, environment: Environment, stack: Stack) -> Losses:
        """Look for each resource of a complete stack, and for those that somebody has taken out of it.

        Costs a call a resource (some 15), and one for their list. A look that is throttled, denied or not
        answered is a doubt, and never a loss.
        """
        parts = self._stacks.current(stack.id)
        found, doubts = self._prover.absences(parts)
        return Losses([*self._taken_out(environment, parts), *found], doubts)

    def _taken_out(self, environment: Environment, parts: list[Part]) -> list[Absence]:
        release = self._releases.find(environment.release)
        if release is None:
            return []
        there = {part.logical_id for part in parts if part.status != "DELETE_COMPLETE"}
        parameters = template_parameters(environment, self._config)
        return [
            Absence(Part(kind, logical_id, "", "DELETE_COMPLETE"))
            for logical_id, kind, when in release.resources
            if kind in CHECKED
            and (when is None or parameters.get(when) == "true")
            and logical_id not in there
        ]


def lost_buckets(environment: Environment) -> set[str]:
    """The keys of the buckets whose content is gone, as `wanted` tells.

    What was encrypted with a key that is gone cannot be read: then it is all of them.
    """
    lost = (environment.wanted and environment.wanted.lost) or {}
    return {key for key in BUCKET_KEYS if "Key" in lost or f"{camel(key)}Bucket" in lost}
