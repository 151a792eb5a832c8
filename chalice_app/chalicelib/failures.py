"""Why AWS refused something, in words that help and that give nothing away."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chalicelib.records import Json

_LONGEST = 600


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    cause: str
    fix: str


def _rule(pattern: str, cause: str, fix: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), cause, fix)


# The first rule that matches wins. Error codes as in the services' API references ("Common Errors" pages) and
# CloudFormation's HandlerErrorCode values (resource-type-test-contract-errors.html); the words of those texts
# that have no code are in tests/unit/test_failures.py, with where they were seen.
_RULES = (
    _rule(
        r"AccessDenied|Access Denied|not authorized|UnauthorizedOperation|Unauthorized|Forbidden|"
        r"InvalidCredentials|Insufficient Lake Formation permission|Insufficient permissions",
        "permission",
        "An operator must allow this to the deployment role; then retry.",
    ),
    _rule(
        r"Throttl|Rate exceeded|SlowDown|TooManyRequests|Request ?Limit ?Exceeded|OperationAborted|"
        r"conflicting conditional operation",
        "throttling",
        "AWS was too busy with this: retry in a few minutes.",
    ),
    _rule(
        r"LimitExceeded|TooManyBuckets|quota|Maximum policy size|limit for .* has been (reached|exceeded)|"
        r"more buckets than allowed",
        "quota",
        "The AWS account is at a limit: an operator must raise it or remove unused environments; then retry.",
    ),
    _rule(
        r"already exist|AlreadyExist|already created|BucketAlreadyOwnedByYou|ResourceConflict",
        "name_conflict",
        "Something of that name is there already: delete the environment and ask again, it gets new names.",
    ),
    _rule(
        r"Validation|InvalidInput|Malformed|InvalidRequest|InvalidParameter|InvalidArgument|"
        r"InvalidBucketName|Invalid template|new key policy will not allow|is not supported|"
        r"unsupported property|InvalidTypeConfiguration|NotUpdatable",
        "invalid_request",
        "AWS refuses what the template asks for: change the settings, or tell the operator.",
    ),
)
_UNKNOWN = _rule("", "internal", "Retry; if it fails again, tell the operator.")

_ARN = re.compile(r"arn:[a-z-]+:[^\s\"',;)\]]+")
_NAME = re.compile(r"\bterraglue([-_])([a-z2-7]{10})(?![a-z2-7])[\w.-]*")
_SECRETS = (
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), "[id]"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "[id]"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "[account]"),
)


def failure(
    logical_id: str | None, resource_type: str | None, message: str, *, environment_id: str = ""
) -> Json:
    """The `failure` of an environment: the resource, the class of the cause, AWS's words and what to do."""
    rule = _rule_of(message)
    return {
        "resource": logical_id,
        "type": resource_type,
        "cause": rule.cause,
        "message": redacted(message, environment_id),
        "fix": rule.fix,
    }


def stack_deleted() -> Json:
    """The `failure` of an environment whose stack somebody else has deleted, or begun to delete."""
    return {
        **failure(None, None, "The stack was deleted by somebody else."),
        "fix": "What is left of it is kept. Copy what you need; then retry, which removes that with its data "
        "and creates the environment anew under the same id, or delete the environment.",
    }


def is_name_conflict(message: str) -> bool:
    """Whether AWS says that something of the name is there already."""
    return _rule_of(message).cause == "name_conflict"


def redacted(text: str, environment_id: str) -> str:
    """AWS's words without what is not the reader's business, cut to a fitting length.

    Account ids, ARNs and names of anything but the environment itself, ids of principals and addresses of
    people are replaced by what kind of thing they are; without an environment, all ARNs are.
    """

    def name(match: re.Match[str]) -> str:
        return match[0] if match[2] == environment_id else "[another environment]"

    def arn(match: re.Match[str]) -> str:
        named = [found[2] for found in _NAME.finditer(match[0])]
        if named and set(named) == {environment_id}:
            return match[0]  # without the account, which goes below
        return "[a resource of the account]"

    text = _NAME.sub(name, _ARN.sub(arn, text))
    for pattern, kind in _SECRETS:
        text = pattern.sub(kind, text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _rule_of(message: str) -> _Rule:
    return next((rule for rule in _RULES if rule.pattern.search(message)), _UNKNOWN)
