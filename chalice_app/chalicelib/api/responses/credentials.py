"""Credentials in responses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.responses.base import EXAMPLE_ENVIRONMENT, EXAMPLE_ID, Link, ResponseBody, Time


class CredentialsLinks(ResponseBody):
    """Links of credentials."""

    environment: Annotated[Link, Field(description="The environment.", examples=[EXAMPLE_ENVIRONMENT])]


class Credentials(ResponseBody):
    """Temporary AWS credentials for one environment, and what they reach."""

    access_key_id: Annotated[
        str, Field(description="Value of `AWS_ACCESS_KEY_ID`.", examples=["ASIAIOSFODNN7EXAMPLE"])
    ]
    secret_access_key: Annotated[
        str,
        Field(
            description="Value of `AWS_SECRET_ACCESS_KEY`.",
            examples=["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
        ),
    ]
    session_token: Annotated[
        str, Field(description="Value of `AWS_SESSION_TOKEN`.", examples=["IQoJb3JpZ2luX2VjEXAMPLE"])
    ]
    expires_at: Annotated[
        Time, Field(description="When they expire. They cannot be renewed: request others.")
    ]
    region: Annotated[str, Field(description="Region of the environment.", examples=["us-east-1"])]
    console_url: Annotated[
        str | None,
        Field(
            description="Link that signs in to the AWS console with these credentials, valid for 15 minutes, "
            "or null. Treat it like a password.",
            examples=["https://signin.aws.amazon.com/federation?Action=login&SigninToken=EXAMPLE"],
        ),
    ]
    console_error: Annotated[
        str | None, Field(description="Why `console_url` is null, or null.", examples=[None])
    ]
    athena_workgroup: Annotated[
        str | None,
        Field(
            description="Workgroup for queries, or null if the environment has none. Then queries are not "
            "possible.",
            examples=[f"terraglue-{EXAMPLE_ID}"],
        ),
    ]
    buckets: Annotated[
        list[str],
        Field(description="Buckets with read and write access.", examples=[[f"terraglue-{EXAMPLE_ID}-sot"]]),
    ]
    databases: Annotated[
        list[str],
        Field(
            description="Databases in the Data Catalog whose tables can be read and changed.",
            examples=[[f"terraglue_{EXAMPLE_ID}_sot"]],
        ),
    ]
    links: Annotated[CredentialsLinks, Field(description="Related resources.")]
