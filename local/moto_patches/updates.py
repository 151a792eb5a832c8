"""Update calls that moto lacks or implements differently from AWS.

Glue's UpdateJob and UpdatePartition, Athena's UpdateWorkGroup, and KMS keys of log groups.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.core.responses import ActionResult
from moto.glue.models import FakeJob, FakeTable
from moto.glue.responses import GlueResponse
from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.responses import LogsResponse

from local.moto_patches.patching import replace_methods

Json = dict[str, Any]


def install() -> Callable[[], None]:
    """Install the calls in moto. Return a function that removes them."""
    parts = contextlib.ExitStack()
    added: dict[type, tuple[Callable[..., Any], ...]] = {
        GlueResponse: (update_job,),
        AthenaResponse: (update_work_group,),
        LogsResponse: (associate_kms_key, disassociate_kms_key),
        FakeTable: (update_partition,),
    }
    for owner, methods in added.items():
        parts.callback(replace_methods(owner, {method.__name__: method for method in methods}))
    return parts.close


_update_partition = FakeTable.update_partition


def update_partition(self: FakeTable, old_values: str, partiton_input: Json) -> None:
    """UpdatePartition, which keeps the creation time of the partition."""
    before = self.partitions.get(str(old_values))
    _update_partition(self, old_values, partiton_input)
    if before is not None:
        self.partitions[str(partiton_input["Values"])].creation_time = before.creation_time


def update_job(self: GlueResponse) -> ActionResult:
    """UpdateJob, which resets omitted properties and keeps the tags.

    https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-jobs-job.html#aws-glue-api-jobs-job-JobUpdate
    """
    name, wanted = self.parameters["JobName"], self.parameters["JobUpdate"]
    before: FakeJob = self.glue_backend.get_job(name)
    _set_parameters(self, {**wanted, "Name": name})
    self.create_job()
    job = self.glue_backend.get_job(name)
    job.created_on, job.job_runs = before.created_on, before.job_runs
    return ActionResult({"JobName": name})


def _set_parameters(request: GlueResponse, parameters: Json) -> None:
    """Replace the parameters that moto reads from a request."""
    request.body = json.dumps(parameters)


def update_work_group(self: AthenaResponse) -> Any:
    """UpdateWorkGroup.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_UpdateWorkGroup.html
    """
    group = self.athena_backend.work_groups.get(self._get_param("WorkGroup"))
    if group is None:
        return self.error(f"WorkGroup {self._get_param('WorkGroup')} is not found.", 400)
    updates = dict(self._get_param("ConfigurationUpdates", {}))
    results = updates.pop("ResultConfigurationUpdates", {})
    configuration = _updated(group.configuration, updates)
    configuration["ResultConfiguration"] = _updated(configuration.get("ResultConfiguration", {}), results)
    group.configuration = configuration
    group.description = self._get_param("Description", group.description)
    group.state = self._get_param("State", group.state)
    return "{}"


def _updated(before: Json, updates: Json) -> Json:
    """Return a structure after its updates, where `RemoveX` removes X."""
    gone = {
        key.removeprefix("Remove") for key, value in updates.items() if key.startswith("Remove") and value
    }
    given = {key: value for key, value in updates.items() if not key.startswith("Remove")}
    return {key: value for key, value in {**before, **given}.items() if key not in gone}


def associate_kms_key(self: LogsResponse) -> str:
    """AssociateKmsKey of a log group."""
    _log_group(self).kms_key_id = self._get_param("kmsKeyId")
    return ""


def disassociate_kms_key(self: LogsResponse) -> str:
    """DisassociateKmsKey of a log group."""
    _log_group(self).kms_key_id = None
    return ""


def _log_group(request: LogsResponse) -> Any:
    group = request.logs_backend.groups.get(request._get_param("logGroupName"))
    if group is None:
        raise ResourceNotFoundException()
    return group
