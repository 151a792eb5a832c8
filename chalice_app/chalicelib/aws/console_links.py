"""AWS console links to the resources of a sandbox."""

from __future__ import annotations

from urllib.parse import quote

from chalicelib.domain.environment import Outputs

_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def links(stack_id: str, outputs: Outputs) -> dict[str, str]:
    """Return links by resource name, from the stack's ARN and the environment's `outputs`."""
    _, partition, _, region, _ = stack_id.split(":", 4)
    domain = _DOMAINS.get(partition, "console.aws.amazon.com")
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
