"""Stack of an environment: creation, resources, failures and outputs."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.aws import console_links
from chalicelib.aws.cloudformation import Stack, Stacks
from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import Outputs
from chalicelib.domain.failures import Failure, stack_deleted
from chalicelib.domain.json_types import Json
from chalicelib.domain.names import BUCKET_KEYS
from chalicelib.sandbox.resource_failures import operation_failure
from chalicelib.sandbox.template_parameters import camel, stack_tags, template_parameters
from chalicelib.storage.releases import Releases
from chalicelib.storage.store import Store
from chalicelib.storage.template_copies import further_jobs


class SandboxStacks:
    """Creates and describes the stacks of environments. Every method can be repeated safely."""

    def __init__(self, config: Config, *, stacks: Stacks, releases: Releases, store: Store) -> None:
        self._config = config
        self._stacks = stacks
        self._releases = releases
        self._store = store

    def create(self, environment: Environment) -> tuple[str, int]:
        """Start creating the stack. Return its ID and the number of resources that it will have."""
        release = self._releases.get(environment.release)
        parameters = template_parameters(environment, self._config)
        stack_id = self._stacks.create(
            environment.name,
            template_url=self._releases.template_url(environment),
            parameters=parameters,
            tags=stack_tags(environment, self._config),
            # Another attempt has another token, because a stack deleted by hand has used up its own.
            token=f"create-{environment.id}-{environment.creations}-{environment.attempts}",
        )
        return stack_id, release.resource_count(parameters) + len(further_jobs(environment.settings))

    def find(self, environment: Environment) -> Stack | None:
        """Describe the stack. Return None if it does not exist."""
        return self._stacks.find(environment.stack_id or environment.name)

    def record_resources(self, environment: Environment, stack: Stack) -> None:
        """Record the state of every resource that is newer than the recorded state."""
        for logical_id, resource in self._stacks.resources(stack.id).items():
            known = environment.resources.get(logical_id)
            if known is None or known.order < resource.order:
                self._store.record_resource_state(environment.id, stack.id, logical_id, resource)

    def resource_fields(self, stack: Stack) -> Json:
        """Return the fields of an environment that show the resources of its complete stack.

        They replace the states that events recorded, because events may be late or lost.
        """
        states = self._stacks.resources(stack.id)
        existing = {name: state for name, state in states.items() if state.status != "DELETE_COMPLETE"}
        return {"resources": existing, "total_resources": len(existing)}

    def failure(self, environment: Environment, stack: Stack | None) -> Failure:
        """Return why the creation or the last update of the stack failed."""
        if stack is None or stack.is_removed:
            return stack_deleted()
        first = self._stacks.first_failure(stack.id)
        if first is None:
            return operation_failure(environment, None, None, stack.reason or f"The stack is {stack.status}.")
        return operation_failure(environment, first.logical_id, first.type, first.reason or "")

    def outputs(self, environment: Environment, stack: Stack) -> Outputs:
        """Return the environment's `outputs` from the outputs of its stack."""
        release = self._releases.get(environment.release)
        values = stack.outputs
        databases = {name: values[f"Database{camel(name)}"] for name in release.databases}
        outputs = Outputs(
            buckets={key: values[f"{camel(key)}Bucket"] for key in BUCKET_KEYS},
            databases={**databases, "sot": values["SotDatabase"]},
            job_id=values["JobId"],
            athena_workgroup=values.get("AthenaWorkgroup"),
            role_arn=values["RoleArn"],
            kms_key_arn=values.get("KmsKeyArn"),
            security_configuration=values.get("SecurityConfiguration"),
            log_groups={"output": values["OutputLogGroup"], "error": values["ErrorLogGroup"]},
        )
        return replace(outputs, console=console_links.links(stack.id, outputs))
