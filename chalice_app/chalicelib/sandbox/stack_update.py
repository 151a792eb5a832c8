"""What changing an environment asks of AWS: a change set, what that must not end, a new release's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.aws.catalog import Catalog
from chalicelib.aws.change_sets import Change, ChangeSet, ChangeSets
from chalicelib.aws.cloudformation import Stack, Stacks
from chalicelib.aws.s3 import Buckets
from chalicelib.config import Config
from chalicelib.domain.environment import Environment, JobFile
from chalicelib.domain.failures import Failure, failure
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.missing_resources import Inspector, Losses, lost_buckets
from chalicelib.sandbox.provisioning import Provisioning
from chalicelib.sandbox.template_parameters import stack_tags, template_parameters
from chalicelib.storage.releases import Release, Releases

_TAKEN_BACK = "A change that fails is taken back."
_FIXES = {
    "permission": f"{_TAKEN_BACK} An operator must allow this to the deployment role.",
    "throttling": f"{_TAKEN_BACK} AWS was too busy: ask again in a few minutes.",
    "quota": f"{_TAKEN_BACK} The AWS account is at a limit, which an operator must raise.",
    "name_conflict": f"{_TAKEN_BACK} Something of that name is there already: choose another name.",
    "invalid_request": f"{_TAKEN_BACK} AWS refuses what was asked for: ask for something else.",
    "internal": f"{_TAKEN_BACK} Ask again; if it fails again, tell the operator.",
}


class StackChanges:
    """Every method can be repeated without harm."""

    def __init__(
        self,
        config: Config,
        *,
        stacks: Stacks,
        change_sets: ChangeSets,
        buckets: Buckets,
        catalog: Catalog,
        releases: Releases,
        provisioning: Provisioning,
        inspector: Inspector,
    ) -> None:
        self._config = config
        self._stacks = stacks
        self._change_sets = change_sets
        self._buckets = buckets
        self._catalog = catalog
        self._releases = releases
        self._provisioning = provisioning
        self._inspector = inspector

    def look(self, environment: Environment) -> Stack | None:
        """The environment's stack as it is now."""
        return self._provisioning.look(environment)

    def note_resources(self, environment: Environment, stack: Stack) -> None:
        """Record what CloudFormation says of every resource."""
        self._provisioning.note_resources(environment, stack.id)

    def losses(self, environment: Environment, stack: Stack) -> Losses:
        """What of the environment's complete stack was deleted by hand."""
        return self._inspector.losses(environment, stack)

    def propose(self, environment: Environment) -> None:
        """Begin to make the change set that leads to what is wanted, and creates again what is lost."""
        goal = environment.goal
        self._change_sets.create(
            environment.name,
            _name(environment),
            template_url=self._releases.template_url(goal),
            parameters=template_parameters(goal, self._config),
            tags=stack_tags(goal, self._config),
            is_drift_aware=bool(environment.wanted and environment.wanted.lost),
        )

    def proposal(self, environment: Environment) -> ChangeSet | None:
        """The change set as it is now; None when there is none."""
        return self._change_sets.find(environment.name, _name(environment))

    def execute(self, environment: Environment) -> bool:
        """Begin to carry it out; False when it cannot be (any more)."""
        return self._change_sets.execute(environment.name, _name(environment))

    def discard(self, environment: Environment, ends_as: Environment) -> None:
        """Remove the change set, and the copy of a template that is not used as the environment ends."""
        self._change_sets.delete(environment.name, _name(environment))
        if not ends_as.settings.job.arguments:
            self._releases.remove_template(environment)

    def continue_rollback(self, environment: Environment, stack: Stack, number: int) -> None:
        """Try again to take a failed update back."""
        token = f"{_name(environment)}-rollback-{number}"
        self._change_sets.continue_rollback(stack.id, token=token)

    def failure(self, environment: Environment, stack: Stack) -> Failure:
        """Why the stack's last update has failed."""
        first = self._stacks.first_failure(stack.id)
        if first is None:
            words = stack.reason or f"The stack is {stack.status}."
            return change_failure(None, None, words, environment_id=environment.id)
        return change_failure(first.logical_id, first.type, first.reason or "", environment_id=environment.id)

    def refusal(self, environment: Environment, change_set: ChangeSet) -> Failure | None:
        """Why a change set must not be carried out: it would end what holds data. None: it may be."""
        for change in change_set.changes:
            if change.ends_it and self._holds_data(environment, change, change_set):
                verb = "remove" if change.action == "Remove" else "replace"
                words = f"The change would {verb} {change.physical_id}, which holds data."
                fix = "Nothing was changed. Remove what it holds and ask again, or have a new sandbox so."
                refused = change_failure(change.logical_id, change.type, words, environment_id=environment.id)
                return replace(refused, cause="invalid_request", fix=fix)
        return None

    def seed(self, environment: Environment) -> Iterator[int]:
        """Bring what the new release has and the old one has not, and take away what only the old one had.

        Gives after each file how many of the new release's are done, from `seeded_files` on. A file that is
        the same in both is left as it is, and so is a job file that somebody has put there, unless the bucket
        has lost its content.
        """
        goal, old = environment.goal, self._releases.find(environment.release)
        new = self._releases.get(goal.release)
        known = {(file.target, file.key): file.sha256 for file in old.files} if old else {}
        if not environment.settings.upload_data:
            known = {place: sha256 for place, sha256 in known.items() if place[0] != "sor"}
        lost = lost_buckets(environment)
        known = {place: sha256 for place, sha256 in known.items() if place[0] not in lost}
        own = {environment.job_file_key(path) for path in _own_files(environment)}
        for number, file in enumerate(new.files[environment.seeded_files :], environment.seeded_files + 1):
            key = _key(goal, file.target, file.key)
            is_wanted = file.target != "sor" or goal.settings.upload_data
            is_own = file.target == "glue_assets" and key in own
            if is_wanted and not is_own and known.get((file.target, file.key)) != file.sha256:
                self._buckets.copy(new.bucket, new.path(file.path), goal.bucket(file.target), key)
                yield number
        for target, key in sorted(known.keys() - {(file.target, file.key) for file in new.files}):
            if target != "glue_assets" or _key(goal, target, key) not in own:
                self._buckets.remove(goal.bucket(target), _key(goal, target, key))
                yield len(new.files)
        for _ in self._seed_partitions(goal, old, new):
            yield len(new.files)

    def outcome(self, environment: Environment, stack: Stack) -> Json:
        """The fields of the environment that a change, once it is done, may have changed."""
        goal = environment.goal
        return {
            "settings": goal.settings,
            "release": goal.release,
            "outputs": self._provisioning.outputs(goal, stack),
            **self.whole(environment, stack),
            "job_files": {**self._provisioning.job_files(goal), **_own_files(environment)},
        }

    def whole(self, environment: Environment, stack: Stack) -> Json:
        """The fields that show the stack's resources as they are now, without those that it had once."""
        return self._provisioning.whole(environment, stack)

    def _holds_data(self, environment: Environment, change: Change, change_set: ChangeSet) -> bool:
        if change.type == "AWS::S3::Bucket":
            return not self._buckets.is_empty(change.physical_id)
        if change.type == "AWS::KMS::Key":  # what it has encrypted would be lost
            return not all(self._buckets.is_empty(environment.bucket(key)) for key in BUCKET_KEYS)
        if change.type == "AWS::Glue::Database":
            tables = {table.name for table in self._catalog.tables(change.physical_id) or ()}
            if change.action == "Remove":  # the release's own tables go with it
                tables -= {
                    other.physical_id.rpartition("|")[2]
                    for other in change_set.changes
                    if other.type == "AWS::Glue::Table" and other.action == "Remove"
                }
            return bool(tables)
        return False

    def _seed_partitions(self, goal: Environment, old: Release | None, new: Release) -> Iterator[int]:
        if not goal.settings.upload_data:
            return
        tables = {(table.database, table.name) for table in new.tables}
        wanted = {(p.database, p.table): {values for values, _ in p.partitions} for p in new.partitioned}
        for table in old.partitioned if old else ():
            place = table.database, table.table
            gone = {values for values, _ in table.partitions} - wanted.get(place, set())
            if gone and place in tables:
                values = [list(each) for each in sorted(gone)]
                yield from self._catalog.remove_partitions(goal.database(table.database), table.table, values)
        for table in new.partitioned:
            self._catalog.add_partitions(
                goal.database(table.database),
                table.table,
                table.storage,
                [(list(values), f"s3://{goal.bucket('sor')}/{path}") for values, path in table.partitions],
            )
            yield 1
            yield from self._catalog.update_partitions(
                goal.database(table.database), table.table, table.storage
            )


def change_failure(
    logical_id: str | None, resource_type: str | None, message: str, *, environment_id: str = ""
) -> Failure:
    """The `failure` of an environment whose change has failed, or is failing."""
    told = failure(logical_id, resource_type, message, environment_id=environment_id)
    return replace(told, fix=_FIXES.get(told.cause, _FIXES["internal"]))


def _name(environment: Environment) -> str:
    """A change set's name; and the token by which CloudFormation knows a repeated call."""
    return f"{environment.name}-change-{environment.changes}"


def _own_files(environment: Environment) -> dict[str, JobFile]:
    """The job files that a user has put there, if they are not lost with their bucket."""
    if "glue_assets" in lost_buckets(environment):
        return {}
    return {path: file for path, file in environment.job_files.items() if file.content is not None}


def _key(environment: Environment, target: str, key: str) -> str:
    """Where a release's file is in its bucket."""
    if target != "glue_assets":
        return key
    return environment.job_file_key(key.removeprefix(Release.JOB_FILES))
