"""Why a stack failed, in words that help: classifies AWS's error texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.records import Json


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    cause: str
    fix: str


def _rule(pattern: str, cause: str, fix: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), cause, fix)


# The first rule that matches wins. Error codes as in the services' API references ("Common Errors" pages) and
# CloudFormation's HandlerErrorCode values (resource-type-test-contract-errors.html).
_RULES = (
    _rule(
        r"AccessDenied|not authorized|UnauthorizedOperation|Forbidden",
        "permission",
        "An operator must allow this to the deployment role; then delete the environment and ask again.",
    ),
    _rule(
        r"Throttl|Rate exceeded|SlowDown|TooManyRequests",
        "throttling",
        "AWS was too busy: delete the environment and ask again in a few minutes.",
    ),
    _rule(
        r"LimitExceeded|TooManyBuckets|quota|ResourceNumberLimitExceeded",
        "quota",
        "The AWS account is at a limit: an operator must raise it or remove unused environments.",
    ),
    _rule(
        r"already exists|AlreadyExists|BucketAlreadyOwnedByYou|ResourceConflict",
        "name_conflict",
        "Something of that name is there already: delete the environment and ask again, it gets new names.",
    ),
    _rule(
        r"ValidationError|Validation|InvalidInput|Malformed|InvalidRequest|InvalidParameter",
        "invalid_request",
        "AWS refuses what the template asks for: change the settings, or tell the operator.",
    ),
)
_UNKNOWN = _rule(
    "", "internal", "Delete the environment and ask again; if it fails again, tell the operator."
)


def failure(logical_id: str | None, resource_type: str | None, message: str) -> Json:
    """The `failure` of an environment: the resource, the class of the cause, AWS's words and what to do."""
    rule = next((rule for rule in _RULES if rule.pattern.search(message)), _UNKNOWN)
    return {
        "resource": logical_id,
        "type": resource_type,
        "cause": rule.cause,
        "message": message,
        "fix": rule.fix,
    }
