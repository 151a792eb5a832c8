"""AWS access of the deployment commands: the session, the account check, and errors as sentences."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from deploy.errors import DeploymentError
from deploy.stage import Stage

# Throttling is normal for CloudFormation, whose API rates AWS does not publish.
# https://docs.aws.amazon.com/boto3/latest/guide/retries.html
_RETRIES = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=10, read_timeout=60)
_SIGN_IN = "Sign in, for example with `aws sso login`, and set AWS_PROFILE."
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEY = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch")
DENIED = ("AccessDenied", "AccessDeniedException", "AccessDeniedFault", "UnauthorizedOperation", "403")
"""Codes of errors about missing permissions."""


@dataclass(frozen=True)
class Account:
    """The account and region of a stage, with the identity of its credentials."""

    session: boto3.Session
    id: str
    region: str
    arn: str


def connect(stage: Stage, environ: Mapping[str, str] = os.environ) -> Account:
    """Return the stage's account. Raise `DeploymentError` for credentials of another account or region."""
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        if environ.get(variable, stage.region) != stage.region:
            raise DeploymentError(
                f"{variable} is {environ[variable]}, but {stage.path} has REGION={stage.region}. "
                f"Correct one of them."
            )
    try:
        base = botocore.session.get_session()
        base.set_default_client_config(_RETRIES)
        session = boto3.Session(botocore_session=base, region_name=stage.region)
        caller = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(explain(error)) from error
    if caller["Account"] != stage.account:
        raise DeploymentError(
            f"The credentials belong to the account {caller['Account']} ({caller['Arn']}), but {stage.path} "
            f"has ACCOUNT={stage.account}. Set AWS_PROFILE to a profile of that account."
        )
    return Account(session, stage.account, stage.region, caller["Arn"])


def code(error: ClientError) -> str:
    """Return the code of an AWS error, such as `AccessDenied`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def message(error: ClientError) -> str:
    """Return the message of an AWS error."""
    return str(error.response.get("Error", {}).get("Message", ""))


def explain(error: BotoCoreError | ClientError) -> str:
    """Return an AWS error as a sentence that says what to do."""
    if isinstance(error, NoCredentialsError):
        return f"There are no AWS credentials. {_SIGN_IN}"
    if isinstance(error, TokenRetrievalError):
        return f"The AWS sign-in has expired. {_SIGN_IN}"
    if isinstance(error, ProfileNotFound):
        return f"{error}. Set AWS_PROFILE to a profile of `aws configure list-profiles`."
    if isinstance(error, EndpointConnectionError):
        return f"{error} Check the network, and REGION in the stage file. Then run the command again."
    if not isinstance(error, ClientError):
        return f"The AWS SDK failed: {error} Run the command again."
    operation, reason = error.operation_name, message(error)
    if code(error) in _EXPIRED:
        return f"The AWS credentials have expired. {_SIGN_IN}"
    if code(error) in _UNKNOWN_KEY:
        return f"AWS does not accept the credentials, or REGION is not enabled in the account. {_SIGN_IN}"
    if code(error) in DENIED:
        return f"The credentials do not allow {operation}: {reason} Add the permission and run it again."
    return f"{operation} failed with {code(error)}: {reason} Run the command again."
