"""Why AWS refused something, in words that help and that give nothing away."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from chalicelib.domain.byte_limits import MESSAGE_BYTES, cut

_MOST_READ = 4000


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

_ANY_CASE = re.IGNORECASE
_ARN = re.compile(r"arn:[a-z0-9-]*:[^\s\"',;)\]]+", _ANY_CASE)
# What may be between parts of a name, also in a URL; and an id, which has a digit (clock.py).
_JOINT = r"(?:%[0-9a-f]{2}|[^a-z0-9\s])"
_ID = r"(?=[a-z]{0,9}[2-7])[a-z2-7]{10}"
_NAMES = (
    # A sandbox's things are called terraglue-ID-..., its databases terraglue_ID_...; ids of old had no digit.
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
    """Return the pattern of where a run of characters begins: also behind an escape of a URL, such as %2F."""
    return f"(?:(?<!{characters})|(?<=%[0-9a-f]{{2}}))"


_SECRETS = (
    (re.compile(rf"{_begins('[A-Z0-9]')}(?:{_UNIQUE})[A-Z0-9]{{12,}}", _ANY_CASE), "[id]"),
    # Keys, multi-region ones (mrk-...) too, and canonical users; Glue's ids of runs (jr_...) may be shown.
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
    """Why an environment failed: the resource, if one did, the class of the cause, and what to do.

    `message` is AWS's, redacted for the environment's owner.
    """

    cause: str
    message: str
    fix: str
    resource: str | None = None
    type: str | None = None


def failure(
    logical_id: str | None, resource_type: str | None, message: str, *, environment_id: str = ""
) -> Failure:
    """Classify AWS's message about a resource, or about the whole stack."""
    rule = _rule_of(message)
    return Failure(rule.cause, redacted(message, environment_id), rule.fix, logical_id, resource_type)


def stack_deleted() -> Failure:
    """Return the failure of an environment whose stack was deleted outside the service."""
    return replace(
        failure(None, None, "The stack was deleted by somebody else."),
        fix="What is left of it is kept. Copy what you need; then retry, which removes that with its data "
        "and creates the environment anew under the same id, or delete the environment.",
    )


def is_name_conflict(message: str) -> bool:
    """Whether AWS says that something of the name is there already."""
    return _rule_of(message).cause == "name_conflict"


def redacted(text: str, environment_id: str, most: int = MESSAGE_BYTES) -> str:
    """AWS's words without what is not the reader's business, cut to `most` bytes.

    Account ids, ARNs and names of anything but the environment itself, ids of other environments, of keys and
    of principals, and addresses of people are replaced by what kind of thing they are, in any letter case;
    without an environment, all ARNs are.
    """

    def name(match: re.Match[str]) -> str:
        return match[0] if match["id"].lower() == environment_id else "[another environment]"

    def arn(match: re.Match[str]) -> str:
        named = {found["id"].lower() for pattern in _NAMES[:2] for found in pattern.finditer(match[0])}
        # Its own are shown, without the account, which goes below.
        return match[0] if named == {environment_id} else "[a resource of the account]"

    if len(text) > _MOST_READ:  # the patterns take their time
        text = _CUT_WORD.sub("", text[:_MOST_READ])
    text = _ARN.sub(arn, text)
    for pattern in _NAMES:
        text = pattern.sub(name, text)
    for pattern, kind in _SECRETS:
        text = pattern.sub(kind, text)
    return cut(text, most)


def _rule_of(message: str) -> _Rule:
    return next((rule for rule in _RULES if rule.pattern.search(message)), _UNKNOWN)
