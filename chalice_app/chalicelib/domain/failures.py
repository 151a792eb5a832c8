"""Classification and redaction of AWS's error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chalicelib.domain.byte_limits import MESSAGE_BYTES, cut

_MAX_READ = 4000


@dataclass(frozen=True)
class _Rule:
    pattern: re.Pattern[str]
    cause: str
    fix: str


def _rule(pattern: str, cause: str, fix: str) -> _Rule:
    return _Rule(re.compile(pattern, re.IGNORECASE), cause, fix)


# The first rule that matches wins. Error codes as in the services' API references ("Common Errors" pages) and
# CloudFormation's HandlerErrorCode values (resource-type-test-contract-errors.html).
# tests/unit/domain/test_failures.py has the messages without a code, with their sources.
_RULES = (
    _rule(
        r"AccessDenied|Access Denied|not authorized|UnauthorizedOperation|Unauthorized|Forbidden|"
        r"InvalidCredentials|Insufficient Lake Formation permission|Insufficient permissions",
        "permission",
        "The service lacks this permission. Ask an operator to grant it, then retry.",
    ),
    _rule(
        r"Throttl|Rate exceeded|SlowDown|TooManyRequests|Request ?Limit ?Exceeded|OperationAborted|"
        r"conflicting conditional operation",
        "throttling",
        "AWS throttled the call. Retry in a few minutes.",
    ),
    _rule(
        r"LimitExceeded|TooManyBuckets|quota|Maximum policy size|limit for .* has been (reached|exceeded)|"
        r"more buckets than allowed",
        "quota",
        "The AWS account reached a limit. Ask an operator to raise it or to remove unused environments, "
        "then retry.",
    ),
    _rule(
        r"already exist|AlreadyExist|already created|BucketAlreadyOwnedByYou|ResourceConflict",
        "name_conflict",
        "A resource with this name already exists. Delete the environment and create another, which gets "
        "new names.",
    ),
    _rule(
        r"Validation|InvalidInput|Malformed|InvalidRequest|InvalidParameter|InvalidArgument|"
        r"InvalidBucketName|Invalid template|new key policy will not allow|is not supported|"
        r"unsupported property|InvalidTypeConfiguration|NotUpdatable",
        "invalid_request",
        "AWS rejected the template. Change the settings or contact the operator.",
    ),
)
_UNKNOWN = _rule("", "internal", "Retry. If it fails again, contact the operator.")

_ANY_CASE = re.IGNORECASE
_ARN = re.compile(r"arn:[a-z0-9-]*:[^\s\"',;)\]]+", _ANY_CASE)
# Separators within a name, including URL escapes; and an environment ID, which has a digit (clock.py).
_JOINT = r"(?:%[0-9a-f]{2}|[^a-z0-9\s])"
_ID = r"(?=[a-z]{0,9}[2-7])[a-z2-7]{10}"
_NAMES = (
    # Names of resources are terraglue-ID-..., of databases terraglue_ID_.... Old IDs may have no digit.
    re.compile(r"terraglue[-_](?P<id>[a-z2-7]{10})(?![a-z2-7])[\w.-]*", _ANY_CASE),
    re.compile(rf"terraglue{_JOINT}{{0,3}}(?P<id>{_ID})[\w.-]*", _ANY_CASE),
    re.compile(r"(?:environments?|env)[/#:=]+(?P<id>[a-z2-7]{10})(?![a-z0-9])", _ANY_CASE),
    re.compile(rf"(?:(?<![a-z0-9])|(?<=%[0-9a-f]{{2}}))(?P<id>{_ID})(?![a-z0-9])", _ANY_CASE),
)
_CUT_WORD = re.compile(r"(?<=\s)\S{1,300}$")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_UNIQUE = "A3T[A-Z0-9]|ABIA|ACCA|AGPA|AIDA|AIPA|AKIA|ANPA|ANVA|APKA|AROA|ASCA|ASIA"
_HEX = "[0-9a-f]"


def _begins(characters: str) -> str:
    """Return a pattern for the start of a run of characters, also after a URL escape such as %2F."""
    return f"(?:(?<!{characters})|(?<=%[0-9a-f]{{2}}))"


_SECRETS = (
    (re.compile(rf"{_begins('[A-Z0-9]')}(?:{_UNIQUE})[A-Z0-9]{{12,}}", _ANY_CASE), "[id]"),
    # KMS keys, also multi-region ones (mrk-...), and canonical users. IDs of Glue runs (jr_...) are kept.
    (
        re.compile(rf"{_begins(_HEX)}{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?!{_HEX})", _ANY_CASE),
        "[id]",
    ),
    (re.compile(rf"(?<!jr_){_begins(_HEX)}{_HEX}{{32,}}", _ANY_CASE), "[id]"),
    (re.compile(r"[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(_begins(r"\d") + r"\d{4}(?:\d{8}|(?:-\d{4}){2})(?!\d)", _ANY_CASE), "[account]"),
)


@dataclass(frozen=True)
class Failure:
    """Why an environment failed: the class of the cause, what to do, and the resource, if one failed.

    `message` is AWS's message, redacted for the environment's owner.
    """

    cause: str
    message: str
    fix: str
    resource: str | None = None
    type: str | None = None


def failure(
    logical_id: str | None, resource_type: str | None, message: str, *, environment_id: str = ""
) -> Failure:
    """Return the failure for AWS's message about a resource, or about the whole stack."""
    rule = _rule_of(message)
    return Failure(rule.cause, redacted(message, environment_id), rule.fix, logical_id, resource_type)


def stack_deleted() -> Failure:
    """Return the failure of an environment whose stack was deleted outside the service."""
    return replace(
        failure(None, None, "The stack was deleted outside this service."),
        fix="The remaining resources are kept. Copy the data that you need. Then retry, which removes "
        "them and creates the environment again under the same ID, or delete the environment.",
    )


def is_name_conflict(message: str) -> bool:
    """Return whether AWS's message reports that a resource with the name already exists."""
    return _rule_of(message).cause == "name_conflict"


def redacted(text: str, environment_id: str, most: int = MESSAGE_BYTES) -> str:
    """Return AWS's message without data of others, cut to `most` bytes.

    Replaces these, in any letter case, with their kind: account IDs, IDs of keys and principals, e-mail
    addresses, and the ARNs, names and IDs of other environments. Keeps the ARNs and names of
    `environment_id`. If that is empty, replaces all ARNs.
    """

    def name(match: re.Match[str]) -> str:
        return match[0] if match["id"].lower() == environment_id else "[another environment]"

    def arn(match: re.Match[str]) -> str:
        named = {found["id"].lower() for pattern in _NAMES[:2] for found in pattern.finditer(match[0])}
        # The account ID in the environment's own ARNs is replaced below.
        return match[0] if named == {environment_id} else "[a resource of the account]"

    if len(text) > _MAX_READ:  # limits the time that the patterns take
        text = _CUT_WORD.sub("", text[:_MAX_READ])
    text = _ARN.sub(arn, text)
    for pattern in _NAMES:
        text = pattern.sub(name, text)
    for pattern, kind in _SECRETS:
        text = pattern.sub(kind, text)
    return cut(text, most)


def _rule_of(message: str) -> _Rule:
    return next((rule for rule in _RULES if rule.pattern.search(message)), _UNKNOWN)
