"""Errors of AWS calls as errors of this API."""

from __future__ import annotations

from chalicelib.api.problems import INTERNAL_ERROR
from chalicelib.aws.errors import AwsError, AwsMisused, AwsThrottled, AwsUnavailable
from chalicelib.errors import ServiceError, Throttled, Unavailable
from chalicelib.observability import logger


def aws_failure(error: AwsError) -> ServiceError:
    """Log an AWS error and return the error for the caller: AWS's message may name other tenants."""
    if isinstance(error, AwsThrottled):
        logger.warning("aws throttled a request", code=error.code)
        return Throttled("AWS is throttling requests. Retry after the seconds in Retry-After.")
    if isinstance(error, AwsUnavailable):
        logger.error("aws unavailable", code=error.code, detail=error.message)
        return Unavailable("An AWS service is unavailable. Retry after the seconds in Retry-After.")
    # A traceback only helps if this service made an invalid call.
    is_bug = isinstance(error, AwsMisused)
    logger.error("aws refused a call", code=error.code, detail=error.message, exc_info=is_bug)
    return ServiceError(INTERNAL_ERROR)
