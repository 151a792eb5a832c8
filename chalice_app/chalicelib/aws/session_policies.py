"""Session policies, which narrow the service's roles for sandboxes to one sandbox.

A session has the permissions that the role's policy and the session policy both allow:
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
The role's policy (`functions.json`) lists the actions. The session policy names the resources, and uses
wildcards for actions because STS limits its length.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from chalicelib.domain.environment import Environment
from chalicelib.domain.json_types import Json

MOST_CHARACTERS = 2048
"""Maximum length of an inline session policy, https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
STS also limits a packed form of it, and returns only which part of that is used, `PackedPolicySize`."""

PRIMARY = "primary"
"""The workgroup of a sandbox without its own, in which the service reads rows."""

SessionPolicy = Callable[[Environment, str, str], str]
"""Returns the session policy for a sandbox, a role's ARN and a region, as JSON."""


def reader_policy(environment: Environment, role_arn: str, region: str) -> str:
    """Return the policy of sessions that read the tables, rows and files of one sandbox."""
    names = _Names(environment, role_arn, region)
    results = f"{names.s3}{environment.bucket('athena_results')}"
    workgroup = names.workgroup(_workgroup(environment) or PRIMARY)
    return _document(
        _allow("s3:GetBucketLocation s3:GetObject s3:ListBucket", names.buckets),
        _allow("s3:AbortMultipartUpload s3:ListMultipartUploadParts s3:PutObject", f"{results}/*"),
        _allow("glue:BatchGetPartition glue:Get*", *names.catalog),
        _allow("glue:GetDatabase", names.default),
        _allow("athena:*", workgroup),
        *names.key,
    )


def inspector_policy(environment: Environment, role_arn: str, region: str) -> str:
    """Return the policy of sessions that detect the drift of one sandbox's stack.

    The role can only read settings, which the session does not limit further but for the stack.
    """
    names = _Names(environment, role_arn, region)
    return _document(
        _allow("cloudformation:*", names.arn("cloudformation", f"stack/{environment.name}/*")),
        _allow(
            "athena:* cloudformation:BatchDescribeTypeConfigurations "
            "cloudformation:DescribeStackDriftDetectionStatus glue:* iam:* kms:* lakeformation:* logs:* s3:*",
            "*",
        ),
    )


def user_policy(environment: Environment, role_arn: str, region: str) -> str:
    """Return the policy of sessions that work in one sandbox: the queries and credentials of its owner.

    Without a workgroup of its own, a sandbox has no queries: all sandboxes share the workgroup `primary`,
    which has no limit of scanned bytes and in which sessions could stop each other's queries.
    """
    names = _Names(environment, role_arn, region)
    workgroup = _workgroup(environment)
    return _document(
        _allow("s3:*", names.buckets),
        _allow("glue:*Partition* glue:*Table* glue:Get*", *names.catalog),
        _allow("glue:GetDatabase", names.default),
        _allow("glue:GetJob* glue:UpdateJob", names.glue(f"job/{environment.name}-*")),
        *_passing(environment),
        _allow("logs:*", names.arn("logs", f"log-group:/aws-glue/jobs/{environment.name}/*")),
        *([_allow("athena:*", names.workgroup(workgroup), names.data_catalog)] if workgroup else []),
        *names.key,
    )


class _Names:
    """ARNs of the resources of one sandbox."""

    def __init__(self, environment: Environment, role_arn: str, region: str) -> None:
        _, self._partition, _, _, self._account, *_ = role_arn.split(":", 5)
        self._region = region
        self.s3 = f"arn:{self._partition}:s3:::"
        self.buckets = f"{self.s3}{environment.name}-*"  # and their objects
        database = environment.database("*")
        self.catalog = (
            self.glue("catalog"),
            self.glue(f"database/{database}"),
            self.glue(f"table/{database}/*"),
        )
        # Athena checks whether the database `default` exists:
        # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
        self.default = self.glue("database/default")
        self.data_catalog = self.arn("athena", "datacatalog/AwsDataCatalog")
        self.key = _key_statements(environment)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self._partition}:{service}:{self._region}:{self._account}:{resource}"

    def glue(self, resource: str) -> str:
        return self.arn("glue", resource)

    def workgroup(self, name: str) -> str:
        return self.arn("athena", f"workgroup/{name}")


def _workgroup(environment: Environment) -> str | None:
    return environment.outputs.athena_workgroup if environment.outputs else None


def _passing(environment: Environment) -> list[Json]:
    """Return the statement for the job's role, which `UpdateJob` passes, if the stack created the role.

    Users cannot pass a role that several sandboxes share, so they cannot edit a job that has one.
    """
    if environment.outputs is None or environment.settings.role_arn is not None:
        return []
    return [_allow("iam:PassRole", environment.outputs.role_arn)]


def _key_statements(environment: Environment) -> list[Json]:
    """Return the statements about keys.

    The denial is necessary: a sandbox's key policy names the roles by `aws:PrincipalArn` (`kms.yaml`), and
    session policies do not limit what such a statement with the principal `*` grants, except by a denial:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-roles
    """
    key = environment.outputs.kms_key_arn if environment.outputs else None
    if key is None:
        return [{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]
    return [
        _allow("kms:Decrypt kms:GenerateDataKey", key),
        {"Effect": "Deny", "Action": "kms:*", "NotResource": key},
    ]


def _allow(actions: str, *resources: str) -> Json:
    return {
        "Effect": "Allow",
        "Action": actions.split() if " " in actions else actions,
        "Resource": list(resources) if len(resources) > 1 else resources[0],
    }


def _document(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))
