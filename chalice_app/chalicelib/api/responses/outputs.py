"""AWS resources of an environment in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import EXAMPLE_ID, EXAMPLE_JOB, JobId, ResponseBody


class Buckets(ResponseBody):
    """Names of an environment's S3 buckets."""

    sor: Annotated[
        str, Field(description="Bucket of the source data (SoR).", examples=[f"terraglue-{EXAMPLE_ID}-sor"])
    ]
    sot: Annotated[
        str, Field(description="Bucket of the job's tables (SoT).", examples=[f"terraglue-{EXAMPLE_ID}-sot"])
    ]
    spec: Annotated[
        str,
        Field(description="Bucket for specialized tables (Spec).", examples=[f"terraglue-{EXAMPLE_ID}-spec"]),
    ]
    glue_assets: Annotated[
        str,
        Field(
            description="Bucket of the job's scripts and libraries.",
            examples=[f"terraglue-{EXAMPLE_ID}-glue-assets"],
        ),
    ]
    athena_results: Annotated[
        str,
        Field(
            description="Bucket of Athena's query results.",
            examples=[f"terraglue-{EXAMPLE_ID}-athena-results"],
        ),
    ]


class LogGroups(ResponseBody):
    """CloudWatch log groups of an environment's runs."""

    output: Annotated[
        str,
        Field(
            description="Log group of standard output.",
            examples=[f"/aws-glue/jobs/terraglue-{EXAMPLE_ID}/output"],
        ),
    ]
    error: Annotated[
        str,
        Field(
            description="Log group of standard error.",
            examples=[f"/aws-glue/jobs/terraglue-{EXAMPLE_ID}/error"],
        ),
    ]


class Outputs(ResponseBody):
    """AWS resources of an environment."""

    buckets: Annotated[Buckets, Field(description="S3 buckets.")]
    databases: Annotated[
        dict[str, str],
        Field(
            description="Data Catalog databases by short name. `sot` is the database of the job's tables.",
            examples=[
                {"db_ecommerce": f"terraglue_{EXAMPLE_ID}_db_ecommerce", "sot": f"terraglue_{EXAMPLE_ID}_sot"}
            ],
        ),
    ]
    job_id: JobId
    job_ids: Annotated[
        dict[str, str],
        Field(
            description="IDs of all jobs by name. `job_id` is the main job's.",
            examples=[{"sot-ecommerce-br": EXAMPLE_JOB}],
        ),
    ]
    athena_workgroup: Annotated[
        str | None,
        Field(
            description="Athena workgroup, or null if the settings have none.",
            examples=[f"terraglue-{EXAMPLE_ID}"],
        ),
    ]
    role_arn: Annotated[
        str,
        Field(
            description="ARN of the job's IAM role.",
            examples=[f"arn:aws:iam::123456789012:role/terraglue-{EXAMPLE_ID}-glue-job"],
        ),
    ]
    kms_key_arn: Annotated[
        str | None,
        Field(
            description="ARN of the KMS key, or null if the settings have none.",
            examples=["arn:aws:kms:us-east-1:123456789012:key/0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"],
        ),
    ]
    security_configuration: Annotated[
        str | None,
        Field(
            description="Glue security configuration, or null if the settings have none.",
            examples=[f"terraglue-{EXAMPLE_ID}"],
        ),
    ]
    log_groups: Annotated[LogGroups, Field(description="CloudWatch log groups.")]
    console: Annotated[
        dict[str, str],
        Field(
            description="Links to the resources in the AWS console, by resource.",
            examples=[
                {
                    "bucket_sor": f"https://us-east-1.console.aws.amazon.com/s3/buckets/terraglue-{EXAMPLE_ID}-sor"
                }
            ],
        ),
    ]
