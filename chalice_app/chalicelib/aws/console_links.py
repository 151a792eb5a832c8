"""AWS console links to the resources of a sandbox."""

from __future__ import annotations

from urllib.parse import quote

from chalicelib.domain.environment import Environment
from chalicelib.domain.environment_parts import Outputs

_DOMAIN = "console.aws.amazon.com"
_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def query_editor(environment: Environment, region: str) -> str:
    """Return a link to the query editor of Athena, or to the bucket SoT of a sandbox without workgroup."""
    outputs = environment.outputs
    partition = outputs.role_arn.split(":", 2)[1] if outputs else "aws"
    home = f"https://{region}.{_DOMAINS.get(partition, _DOMAIN)}"
    if outputs and outputs.athena_workgroup:
        return f"{home}/athena/home?region={region}#/query-editor"
    return f"{home}/s3/buckets/{environment.bucket('sot')}?region={region}"


def links(stack_id: str, outputs: Outputs) -> dict[str, str]:
    """Return links by resource name, from the stack's ARN and the environment's `outputs`."""
    _, partition, _, region, _ = stack_id.split(":", 4)
    domain = _DOMAINS.get(partition, _DOMAIN)
    home, here = f"https://{region}.{domain}", f"home?region={region}"
    found = {
        "stack": f"{home}/cloudformation/{here}#/stacks/stackinfo?stackId={quote(stack_id, safe='')}",
        "job": f"{home}/gluestudio/{here}#/editor/job/{outputs.job_id}/runs",
        "role": f"{home}/iam/{here}#/roles/details/{outputs.role_arn.rpartition('/')[2]}",
    }
    for key, bucket in outputs.buckets.items():
        found[f"bucket_{key}"] = f"{home}/s3/buckets/{bucket}?region={region}"
    for key, database in outputs.databases.items():
        found[f"database_{key}"] = f"{home}/glue/{here}#/v2/data-catalog/databases/view/{database}"
    for key, group in outputs.log_groups.items():
        # The console replaces the percent signs of the encoded name with $25.
        name = quote(group, safe="").replace("%", "$25")
        found[f"log_{key}"] = f"{home}/cloudwatch/{here}#logsV2:log-groups/log-group/{name}"
    if outputs.athena_workgroup:
        found["athena_workgroup"] = f"{home}/athena/{here}#/workgroups/details/{outputs.athena_workgroup}"
    if outputs.kms_key_arn:
        found["kms_key"] = f"{home}/kms/{here}#/kms/keys/{outputs.kms_key_arn.rpartition('/')[2]}"
    return found
