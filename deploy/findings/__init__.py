"""Findings about an AWS account: quotas and settings that stop or limit the service, with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import boto3

from deploy import parameters as template
from deploy.findings import capacity, permissions, settings
from deploy.findings.account import AccountReader
from deploy.findings.finding import Finding, Severity
from deploy.rollout import AT_ONCE, ROLLOUT_PARAMETER

__all__ = ["Finding", "Severity", "find"]

_ORDER = list(Severity)


def find(session: boto3.Session, parameters: Mapping[str, str]) -> list[Finding]:
    """Return the findings about the session's account and Region, the worst first. Changes nothing.

    `parameters` are parameters of the stack. The others have the template's defaults.
    """
    declared = template.declared().items()
    values = {name: str(given["Default"]) for name, given in declared if "Default" in given}
    found = _found(AccountReader(session), {**values, **parameters})
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def _found(account: AccountReader, values: Mapping[str, str]) -> Iterator[Finding]:
    yield from permissions.deployer(account, is_gradual=values[ROLLOUT_PARAMETER] != AT_ONCE)
    yield from settings.lake_formation(account)
    yield from settings.data_catalog(account)
    yield from settings.gateway_logs(account, is_created=values.get("ApiGatewayAccount") == "create")
    yield from settings.primary_workgroup(account)
    yield from capacity.find(account, values)
    yield from settings.region(account)
    yield from permissions.organization(account)
    yield from settings.hooks(account)
    yield from settings.public_access(account)
    yield from settings.malware_protection(account)
    yield from account.unread()
