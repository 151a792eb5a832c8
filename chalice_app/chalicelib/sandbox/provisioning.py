"""What building an environment asks of AWS: its stack, what the stack says, and its data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from chalicelib.aws import console_links
from chalicelib.aws.catalog import Catalog
from chalicelib.aws.cloudformation import Stack, Stacks
from chalicelib.aws.s3 import Buckets
from chalicelib.config import Config
from chalicelib.domain.environment import Environment, JobFile, Outputs
from chalicelib.domain.failures import Failure, failure, stack_deleted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.domain.timeline import ActorType
from chalicelib.sandbox.template_parameters import camel, stack_tags, template_parameters
from chalicelib.storage.releases import Release, Releases
from chalicelib.storage.store import Store


class Provisioning:
    """Every method can be repeated without harm."""

    def __init__(
        self,
        config: Config,
        *,
        stacks: Stacks,
        buckets: Buckets,
        catalog: Catalog,
        releases: Releases,
        store: Store,
    ) -> None:
        self._config = config
        self._catalog = catalog
        self._stacks = stacks
        self._buckets = buckets
        self._releases = releases
        self._store = store

    def start(self, environment: Environment) -> tuple[str, int]:
        """Start the stack; gives its id and how many resources it will have."""
        release = self._releases.get(environment.release)
        parameters = template_parameters(environment, self._config)
        stack_id = self._stacks.create(
            environment.name,
            template_url=self._releases.template_url(environment),
            parameters=parameters,
            tags=stack_tags(environment, self._config),
            token=f"create-{environment.id}-{environment.creations}",
        )
        return stack_id, release.resource_count(parameters)

    def look(self, environment: Environment) -> Stack | None:
        """The environment's stack as it is now."""
        return self._stacks.find(environment.stack_id or environment.name)

    def note_resources(self, environment: Environment, stack_id: str) -> None:
        """Record what CloudFormation says of every resource, where that is newer than what is known."""
        for logical_id, resource in self._stacks.resources(stack_id).items():
            known = environment.resources.get(logical_id)
            if known is None or known.order < resource.order:
                self._store.note_resource(environment.id, stack_id, logical_id, resource)

    def whole(self, environment: Environment, stack: Stack) -> Json:
        """The fields that show the resources of a complete stack, without those that it had once.

        Events may be late or lost, so when CloudFormation has ended its work, what they told is replaced.
        """
        found = self._stacks.resources(stack.id)
        there = {name: state for name, state in found.items() if state.status != "DELETE_COMPLETE"}
        return {"resources": there, "total_resources": len(there)}

    def failure(self, environment: Environment, stack: Stack | None) -> Failure:
        """Why the stack is not complete."""
        if stack is None or stack.is_removed:
            return stack_deleted()
        first = self._stacks.first_failure(stack.id)
        if first is None:
            words = stack.reason or f"The stack is {stack.status}."
            return failure(None, None, words, environment_id=environment.id)
        return failure(first.logical_id, first.type, first.reason or "", environment_id=environment.id)

    def outputs(self, environment: Environment, stack: Stack) -> Outputs:
        """The environment's `outputs`, from those of its stack."""
        release = self._releases.get(environment.release)
        named = stack.outputs
        databases = {name: named[f"Database{camel(name)}"] for name in release.databases}
        outputs = Outputs(
            buckets={key: named[f"{camel(key)}Bucket"] for key in BUCKET_KEYS},
            databases={**databases, "sot": named["SotDatabase"]},
            job_id=named["JobId"],
            athena_workgroup=named.get("AthenaWorkgroup"),
            role_arn=named["RoleArn"],
            kms_key_arn=named.get("KmsKeyArn"),
            security_configuration=named.get("SecurityConfiguration"),
            log_groups={"output": named["OutputLogGroup"], "error": named["ErrorLogGroup"]},
        )
        return replace(outputs, console=console_links.links(stack.id, outputs))

    def seed(self, environment: Environment) -> Iterator[int]:
        """Copy the release's files into the sandbox's buckets, from `seeded_files` on.

        Gives after each file how many are there now. Copying a file twice does no harm.
        """
        release = self._releases.get(environment.release)
        for number, file in enumerate(
            release.files[environment.seeded_files :], environment.seeded_files + 1
        ):
            if environment.settings.upload_data or file.target != "sor":
                key = file.key
                if file.target == "glue_assets":
                    key = environment.job_file_key(key.removeprefix(Release.JOB_FILES))
                self._buckets.copy(
                    release.bucket, release.path(file.path), environment.bucket(file.target), key
                )
            yield number
        if environment.settings.upload_data:
            for table in release.partitioned:
                self._catalog.add_partitions(
                    f"terraglue_{environment.id}_{table.database}",
                    table.table,
                    table.storage,
                    [
                        (list(values), f"s3://{environment.bucket('sor')}/{path}")
                        for values, path in table.partitions
                    ],
                )
                yield len(release.files)

    def job_files(self, environment: Environment) -> dict[str, JobFile]:
        """The job files that seeding brings, as the record keeps them."""
        release = self._releases.get(environment.release)
        return {
            file.key.removeprefix(Release.JOB_FILES): JobFile(
                size_bytes=file.size,
                sha256=file.sha256,
                changed_by=ActorType.RELEASE,
                changed_by_type=ActorType.RELEASE,
                changed_at=release.published_at,
            )
            for file in release.files
            if file.target == "glue_assets"
        }
