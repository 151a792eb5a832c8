"""Capacity findings: the number of sandboxes that the account's quotas allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.findings.account import AccountReader
from deploy.findings.finding import Finding, Severity
from deploy.findings.quotas import STACK_RESOURCES, Quota, used
from deploy.findings.sandbox import NAME, STACK, Sandbox, sandbox

_LISTS = {
    "AWS::Glue::SecurityConfiguration": (
        *("glue:GetSecurityConfigurations", "glue", "get_security_configurations", "SecurityConfigurations"),
    ),
    "AWS::Glue::Job": ("glue:ListJobs", "glue", "list_jobs", "JobNames"),
    "AWS::Glue::Database": ("glue:GetDatabases", "glue", "get_databases", "DatabaseList"),
    "AWS::Athena::WorkGroup": ("athena:ListWorkGroups", "athena", "list_work_groups", "WorkGroups"),
    "AWS::S3::Bucket": ("s3:ListAllMyBuckets", "s3", "list_buckets", "Buckets"),
}
"""Permission, service, operation and key of the list with all resources of a type."""

_SUMMARY = {"AWS::IAM::Role": "Roles", "AWS::IAM::ManagedPolicy": "Policies"}
"""Entries of GetAccountSummary by resource type."""

_AMPLE = 5
"""A quota that allows so many times the wanted sandboxes is not compared with what the account uses of it."""

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"
_LEAST_UNRESERVED = 100
"""Concurrency that no function may reserve, at `_LAMBDA`."""


@dataclass(frozen=True)
class Ceiling:
    """Sandboxes that a quota allows. `value` is the account's quota, `taken` the part that others use."""

    quota: Quota
    value: int
    taken: int
    sandboxes: int


def find(account: AccountReader, values: Mapping[str, str]) -> Iterator[Finding]:
    """Yield findings about quotas. The last one states the ceiling and the quota that makes it."""
    counted = sandbox()
    wanted, creating = int(float(values["MaxEnvironments"])), int(float(values["MaxCreating"]))
    found = ceilings(account, counted, wanted)
    lasting = [ceiling for ceiling in found if not ceiling.quota.is_momentary]
    for ceiling in lasting:
        if ceiling.sandboxes < wanted:
            yield _exceeded(account, ceiling, counted, wanted)
    momentary = min((c for c in found if c.quota.is_momentary), key=lambda ceiling: ceiling.sandboxes)
    if momentary.sandboxes < wanted:
        yield _busy(account, momentary, counted, wanted)
    yield from _stack_operations(account, counted, creating)
    if values.get("ReserveTick") != "false":
        yield from _concurrency(account)
    lowest = min(lasting, key=lambda ceiling: ceiling.sandboxes)
    yield Finding(
        Severity.ADVICE,
        f"The account has room for {lowest.sandboxes:,} environments",
        f"MAX_ENVIRONMENTS is {wanted:,}. The lowest quota is {_described(lowest, counted)} All stages in "
        "this account and Region share it.",
        "Leave room for changes: a change of the encryption replaces a security configuration, which exists "
        "twice for a minute.",
        lowest.quota.document,
    )


def ceilings(account: AccountReader, counted: Sandbox, wanted: int) -> list[Ceiling]:
    """Return the ceiling of every quota that a sandbox uses."""
    values = _values(account, counted)
    stacks = account.pages(
        *("cloudformation:ListStacks", "cloudformation", "list_stacks", "StackSummaries"),
    )
    names = [stack["StackName"] for stack in stacks or () if stack["StackStatus"] != "DELETE_COMPLETE"]
    live = sum(1 for name in names if NAME.fullmatch(name))
    summary = account.read("iam:GetAccountSummary", account.client("iam").get_account_summary) or {}
    found = []
    for quota in used(counted):
        value = values[quota]
        taken = 0
        if quota.uses == STACK:
            taken = len(names) - live
        elif quota.uses in _SUMMARY:
            taken = summary.get("SummaryMap", {}).get(_SUMMARY[quota.uses], 0) - live * quota.use(counted)
        elif quota.uses in _LISTS and quota.ceiling(value, counted) < _AMPLE * wanted:
            permission, service, operation, key = _LISTS[quota.uses]
            taken = len(account.pages(permission, service, operation, key) or ()) - live * quota.use(counted)
        taken = max(0, taken)
        found.append(Ceiling(quota, value, taken, quota.ceiling(value, counted, taken=taken)))
    return found


def _values(account: AccountReader, counted: Sandbox) -> dict[Quota, int]:
    """Return the account's value of each quota: the applied one, else AWS's default for the Region."""
    applied: dict[tuple[str, bool], dict[str, int]] = {}
    for key in {(quota.service, quota.is_global) for quota in used(counted)}:
        service, is_global = key
        listed = account.pages(
            *("servicequotas:ListServiceQuotas", "service-quotas", "list_service_quotas", "Quotas"),
            region=account.home if is_global else None,
            ServiceCode=service,
        )
        applied[key] = {
            name: int(quota["Value"])
            for quota in listed or ()
            if "Value" in quota
            for name in (quota["QuotaCode"], quota["QuotaName"])
        }
    found = {}
    for quota in used(counted):
        known = applied[quota.service, quota.is_global]
        value = known.get(quota.code or quota.name)
        if value is None:  # ListServiceQuotas leaves out quotas without an applied value
            value = _default(account, quota) if known else quota.default
        found[quota] = value
    return found


def _default(account: AccountReader, quota: Quota) -> int:
    if quota.code is None:
        return quota.default
    client = account.client("service-quotas", account.home if quota.is_global else None)
    answer = account.read(
        "servicequotas:GetAWSDefaultServiceQuota",
        lambda: client.get_aws_default_service_quota(ServiceCode=quota.service, QuotaCode=quota.code),
        absent="NoSuchResourceException",
    )
    return int(answer["Quota"]["Value"]) if answer else quota.default


def _exceeded(account: AccountReader, ceiling: Ceiling, counted: Sandbox, wanted: int) -> Finding:
    quota = ceiling.quota
    return Finding(
        Severity.LIMITS,
        f"Quota for {ceiling.sandboxes:,} environments: {quota.name} ({quota.service})",
        f"MAX_ENVIRONMENTS is {wanted:,}, but the quota is {_described(ceiling, counted)} Creations above it "
        "fail.",
        f"Set MAX_ENVIRONMENTS={ceiling.sandboxes}, or ask for more: "
        + quota.request(ceiling.taken + wanted * quota.use(counted), _region(account, quota)),
        quota.document,
    )


def _busy(account: AccountReader, ceiling: Ceiling, counted: Sandbox, wanted: int) -> Finding:
    quota = ceiling.quota
    return Finding(
        Severity.ADVICE,
        f"At most {ceiling.sandboxes:,} environments can work at the same time",
        f"The account allows {ceiling.value:,} ({quota.name}, {quota.service}), and one environment uses "
        f"{quota.use(counted)} with default settings. Further job runs wait, and Athena rejects further "
        "queries.",
        "If a whole class starts together, ask for more: "
        + quota.request(wanted * quota.use(counted), _region(account, quota)),
        quota.document,
    )


def _described(ceiling: Ceiling, counted: Sandbox) -> str:
    quota = ceiling.quota
    code = f", {quota.code}" if quota.code else ""
    taken = f", of which others use {ceiling.taken:,}" if ceiling.taken else ""
    return (
        f"{ceiling.value:,} {quota.name} ({quota.service}{code}){taken}. One environment uses "
        f"{quota.use(counted)}, so at most {ceiling.sandboxes:,} can exist."
    )


def _region(account: AccountReader, quota: Quota) -> str:
    return account.home if quota.is_global else account.region


def _stack_operations(account: AccountReader, counted: Sandbox, creating: int) -> Iterator[Finding]:
    limits = account.pages(
        *(
            "cloudformation:DescribeAccountLimits",
            "cloudformation",
            "describe_account_limits",
            "AccountLimits",
        ),
    )
    value = next((limit["Value"] for limit in limits or () if limit["Name"] == STACK_RESOURCES), None)
    if value is not None and creating * counted.size > value:
        yield Finding(
            Severity.LIMITS,
            f"CloudFormation works on {value:,} resources at the same time",
            f"MAX_CREATING is {creating:,}, and a stack has {counted.size} resources: "
            f"{creating * counted.size:,} at the same time.",
            f"Set MAX_CREATING={value // counted.size}, or ask AWS Support for more.",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html",
        )


def _concurrency(account: AccountReader) -> Iterator[Finding]:
    answer = account.read("lambda:GetAccountSettings", account.client("lambda").get_account_settings)
    if not answer:
        return
    limit = int(answer["AccountLimit"]["ConcurrentExecutions"])
    if limit <= _LEAST_UNRESERVED:
        yield Finding(
            Severity.BLOCKS,
            f"Lambda runs only {limit:,} functions at the same time",
            f"The function Tick reserves a concurrency of 1, and Lambda requires that {_LEAST_UNRESERVED} "
            "stay unreserved. The deployment fails. New accounts start with a quota of 10.",
            "For a trial, add RESERVE_TICK=false to the stage file. For more users, ask for the usual 1,000: "
            "aws service-quotas request-service-quota-increase "
            f"--service-code lambda --quota-code L-B99A9384 --desired-value 1000 --region {account.region}",
            _LAMBDA,
        )
    elif (free := int(answer["AccountLimit"]["UnreservedConcurrentExecutions"])) <= _LEAST_UNRESERVED:
        yield Finding(
            Severity.LIMITS,
            "Other functions reserve all of Lambda's concurrency",
            f"{free:,} of {limit:,} are unreserved. The function Tick reserves 1, which fails unless it "
            f"exists already, because {_LEAST_UNRESERVED} must stay unreserved.",
            "Lower the reservation of another function, or ask for more (quota L-B99A9384 of lambda).",
            _LAMBDA,
        )
