"""Template parameters and tags of a stack (glue_assets/template.yaml)."""

from __future__ import annotations

import re

from chalicelib.config import Config
from chalicelib.domain.environment import Environment
from chalicelib.domain.job_parameters import job_parameters
from chalicelib.domain.names import BUCKET_KEYS

_RESERVED = re.compile("^(?i:aws):")
"""Prefix of tag values that is reserved for AWS."""
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9_.:/=+@-]")
"""Characters that a tag value must not contain. They become "-" in an owner's name."""


def template_parameters(environment: Environment, config: Config) -> dict[str, str]:
    """Return the value of every parameter, so that the template's defaults are not used.

    `ExtraFiles` is an exception: CloudFormation refuses a parameter that the template of an older release
    does not have. Its default is empty.
    """
    settings, job = environment.settings, environment.settings.job
    of_job = job_parameters(environment, job)
    if not of_job["ExtraFiles"]:
        del of_job["ExtraFiles"]
    texts = {
        "EnvironmentId": environment.id,
        **{f"{camel(key)}BucketName": getattr(settings.buckets, key) for key in BUCKET_KEYS},
        "KmsKeyArn": settings.kms_key_arn,
        "DeploymentRoleArn": config.deployment_role_arn,
        "ServiceRoleArns": ",".join(config.service_role_arns),
        "AthenaWorkgroupName": settings.athena_workgroup_name,
        "RoleArn": settings.role_arn,
        "RoleName": environment.role_name,
        "PermissionsBoundaryArn": config.permissions_boundary_arn,
        "CloudWatchEncryption": settings.cloudwatch_encryption,
        "JobBookmarksEncryption": settings.job_bookmarks_encryption,
        "S3Encryption": settings.s3_encryption,
        "JobFilesPrefix": job.files_prefix,
    }
    numbers = {
        **of_job,
        "LogRetentionDays": config.log_retention_days,
        "AthenaScanLimitBytes": config.athena_scan_limit_bytes,
    }
    flags = {
        "BlockPublicAccess": settings.block_public_access,
        "KmsKey": settings.kms_key,
        "KmsKeyRotation": settings.kms_key_rotation,
        "AthenaWorkgroup": settings.athena_workgroup,
        "IamRole": settings.iam_role,
        "SecurityConfiguration": settings.security_configuration,
    }
    return {
        **{name: text or "" for name, text in texts.items()},
        **{name: str(number) for name, number in numbers.items()},
        **{name: "true" if flag else "false" for name, flag in flags.items()},
    }


def stack_tags(environment: Environment, config: Config) -> dict[str, str]:
    """Return the operator's and the service's tags. CloudFormation adds a stack's tags to its resources."""
    return {
        **config.stack_tags,
        "terraglue:environment": environment.id,
        "terraglue:owner": _RESERVED.sub("-", _NOT_IN_TAGS.sub("-", environment.owner))[:256],
        "terraglue:release": environment.release,
    }


def camel(name: str) -> str:
    """Return a name such as `glue_assets` in the template's spelling, `GlueAssets`."""
    return "".join(part.capitalize() for part in name.split("_"))
