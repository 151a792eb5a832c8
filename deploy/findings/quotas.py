"""AWS quotas and what one sandbox uses of each: `python -m deploy.findings.quotas` prints the table of docs/.

Quota codes and defaults: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.findings.sandbox import STACK, Sandbox, sandbox

_REFERENCE = "https://docs.aws.amazon.com/general/latest/gr"
RUN, DPU, QUERY = "run", "DPU", "query"
"""What a sandbox uses only while it works, unlike its resources."""


@dataclass(frozen=True)
class Quota:
    """A quota. `uses` is a resource type of the sandbox, or what a sandbox uses while it works.

    `code` is None if Service Quotas has no documented code; `name` then finds it in ListServiceQuotas.
    """

    service: str
    code: str | None
    name: str
    default: int
    uses: str
    document: str
    is_global: bool = False

    @property
    def is_momentary(self) -> bool:
        """Return whether a sandbox uses the quota only while it runs a job or a query."""
        return self.uses in (RUN, DPU, QUERY)

    def use(self, counted: Sandbox) -> int:
        """Return what one sandbox uses."""
        if self.is_momentary:
            return counted.dpus if self.uses == DPU else 1
        return counted.resources[self.uses]

    def ceiling(self, value: int, counted: Sandbox, *, taken: int = 0) -> int:
        """Return how many sandboxes a value allows besides `taken`, which others use."""
        return max(0, value - taken) // self.use(counted)

    def request(self, value: int, region: str) -> str:
        """Return the command that asks AWS for a higher value."""
        if self.code is None:
            return f"Ask AWS Support for {value:,} {self.name} ({self.service}) in {region}."
        return (
            f"aws service-quotas request-service-quota-increase --service-code {self.service} "
            f"--quota-code {self.code} --desired-value {value} --region {region}"
        )


QUOTAS = (
    Quota(
        *("glue", "L-83192DBF", "Max security configurations per account", 250),
        *("AWS::Glue::SecurityConfiguration", f"{_REFERENCE}/glue.html"),
    ),
    Quota(
        *("iam", "L-FE177D64", "Roles per account", 1_000, "AWS::IAM::Role"),
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
        is_global=True,
    ),
    Quota(
        *("iam", "L-E95E4862", "Customer managed policies per account", 1_500, "AWS::IAM::ManagedPolicy"),
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
        is_global=True,
    ),
    Quota("glue", "L-611FDDE4", "Max jobs per account", 1_000, "AWS::Glue::Job", f"{_REFERENCE}/glue.html"),
    Quota(
        *("athena", None, "Workgroups", 1_000, "AWS::Athena::WorkGroup"),
        "https://docs.aws.amazon.com/athena/latest/ug/service-limits.html",
    ),
    Quota("cloudformation", "L-0485CB21", "Stack count", 2_000, STACK, f"{_REFERENCE}/cfn.html"),
    Quota(
        *("s3", "L-DC2B2D3D", "General purpose buckets", 10_000, "AWS::S3::Bucket", f"{_REFERENCE}/s3.html"),
        is_global=True,
    ),
    Quota(
        *("glue", "L-F953935E", "Max databases per account", 10_000, "AWS::Glue::Database"),
        f"{_REFERENCE}/glue.html",
    ),
    Quota(
        *("glue", "L-94D025B7", "Max tables per account", 1_000_000, "AWS::Glue::Table"),
        f"{_REFERENCE}/glue.html",
    ),
    Quota(
        *("kms", "L-C2F1777E", "Customer managed keys", 100_000, "AWS::KMS::Key"),
        "https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html",
    ),
    Quota(
        *("logs", None, "Log groups", 1_000_000, "AWS::Logs::LogGroup"),
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html",
    ),
    Quota("glue", "L-5E4153CA", "Max concurrent job runs per account", 200, RUN, f"{_REFERENCE}/glue.html"),
    Quota("glue", "L-08F3B322", "Max task DPUs per account", 1_000, DPU, f"{_REFERENCE}/glue.html"),
    Quota("athena", "L-FC5F6546", "Active DML queries", 150, QUERY, f"{_REFERENCE}/athena.html"),
)
"""AWS's defaults in most Regions. New accounts can have less; `make plan` reads the values of the account."""

STACK_RESOURCES = "ConcurrentResourcesLimit"
"""Limit of DescribeAccountLimits: resources that CloudFormation works on at the same time. No quota code.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_AccountLimit.html"""


def used(counted: Sandbox) -> Iterator[Quota]:
    """Yield the quotas that a sandbox uses."""
    return (quota for quota in QUOTAS if quota.use(counted))


def table() -> str:
    """Return the quotas as a Markdown table, those that limit the number of sandboxes first."""
    counted = sandbox()
    lines = [
        "| service | quota | code | AWS's default | one sandbox uses | sandboxes |",
        "|---|---|---|---:|---:|---:|",
    ]
    for quota in sorted(
        used(counted), key=lambda quota: (quota.is_momentary, quota.ceiling(quota.default, counted))
    ):
        unit = f" {quota.uses}" if quota.is_momentary else ""
        at_once = " at once" if quota.is_momentary else ""
        lines.append(
            f"| {quota.service} | [{quota.name}]({quota.document}) | {quota.code or '-'} | {quota.default:,} "
            f"| {quota.use(counted)}{unit} | {quota.ceiling(quota.default, counted):,}{at_once} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
