"""What building an environment asks of AWS: its stack, what the stack says, and its data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from chalicelib.buckets import Buckets
from chalicelib.failures import failure
from chalicelib.records import BUCKET_KEYS, Environment, Json
from chalicelib.releases import Releases
from chalicelib.stacks import Stack, Stacks
from chalicelib.store import Store

# What both a tag value and a CloudFormation parameter may hold; anything else in an owner's name becomes "-".
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.:/=+@-]")


class Provisioning:
    """Every method can be repeated without harm."""

    def __init__(self, stacks: Stacks, buckets: Buckets, releases: Releases, store: Store) -> None:
        self._stacks = stacks
        self._buckets = buckets
        self._releases = releases
        self._store = store

    def start(self, environment: Environment) -> tuple[str, int]:
        """Start the stack; gives its id and how many resources it will have."""
        release = self._releases.get(environment.release)
        parameters = template_parameters(environment)
        stack_id = self._stacks.create(
            environment.name,
            template_url=self._releases.template_url(release),
            parameters=parameters,
            tags={
                "terraglue:environment": environment.id,
                "terraglue:owner": parameters["Owner"],
                "terraglue:release": environment.release,
            },
            token=f"create-{environment.id}",
        )
        return stack_id, release.resource_count(parameters)

    def look(self, environment: Environment) -> Stack | None:
        """The environment's stack as it is now."""
        return self._stacks.find(environment.stack_id or environment.name)

    def note_resources(self, environment: Environment) -> None:
        """Record what CloudFormation says of every resource, where that is newer than what is known."""
        for logical_id, resource in self._stacks.resources(environment.stack_id or environment.name).items():
            known = environment.resources.get(logical_id)
            if known is None or known["order"] < resource["order"]:
                self._store.note_resource(environment.id, logical_id, resource)

    def failure(self, environment: Environment, stack: Stack | None) -> Json:
        """Why the stack is not complete."""
        if stack is None or stack.status.startswith("DELETE"):
            return failure(None, None, "The stack was deleted by somebody else.")
        first = self._stacks.first_failure(stack.id)
        if first is None:
            return failure(None, None, stack.reason or f"The stack is {stack.status}.")
        return failure(first["logical_id"], first["type"], first["reason"])

    def outputs(self, environment: Environment, stack: Stack) -> Json:
        """The environment's `outputs`, from those of its stack."""
        release = self._releases.get(environment.release)
        named = stack.outputs
        databases = {name: named[f"Database{_camel(name)}"] for name in release.databases}
        return {
            "buckets": {key: named[f"{_camel(key)}Bucket"] for key in BUCKET_KEYS},
            "databases": {**databases, "sot": named["SotDatabase"]},
            "job_id": named["JobId"],
            "athena_workgroup": named.get("AthenaWorkgroup"),
            "role_arn": named["RoleArn"],
            "kms_key_arn": named.get("KmsKeyArn"),
        }

    def seed(self, environment: Environment) -> Iterator[int]:
        """Copy the release's files into the sandbox's buckets, from `seeded_files` on.

        Gives after each file how many are there now. Copying a file twice does no harm.
        """
        release = self._releases.get(environment.release)
        for number, file in enumerate(
            release.files[environment.seeded_files :], environment.seeded_files + 1
        ):
            if environment.settings["upload_data"] or file.target != "sor":
                self._buckets.copy(
                    release.bucket, release.path(file.path), environment.bucket(file.target), file.key
                )
            yield number


def template_parameters(environment: Environment) -> dict[str, str]:
    """The template's parameters, from the environment's settings."""
    settings = environment.settings
    job = settings["job"]
    flags = {
        "AthenaWorkgroup": settings["athena_workgroup"],
        "KmsKey": settings["kms_key"],
        "BlockPublicAccess": settings["block_public_access"],
    }
    return {
        "EnvironmentId": environment.id,
        "Owner": _NOT_IN_TAGS.sub("-", environment.owner),
        "Release": environment.release,
        "JobName": job["name"],
        "GlueVersion": job["glue_version"],
        "WorkerType": job["worker_type"],
        "NumberOfWorkers": str(job["number_of_workers"]),
        "TimeoutMinutes": str(job["timeout_minutes"]),
        "MaxConcurrentRuns": str(job["max_concurrent_runs"]),
        **{name: "true" if value else "false" for name, value in flags.items()},
    }


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
