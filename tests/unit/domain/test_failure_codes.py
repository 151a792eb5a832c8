"""AWS error codes by cause, and redaction of AWS's messages."""

from __future__ import annotations

import pytest

from chalicelib.domain.failures import failure, is_name_conflict, redacted

# Codes of the services' API references and CloudFormation's HandlerErrorCode values.
CODES = {
    "permission": "AccessDenied AccessDeniedException UnauthorizedOperation Unauthorized Forbidden "
    "InvalidCredentials UnauthorizedTaggingOperation",
    "throttling": "Throttling ThrottlingException ThrottledException SlowDown TooManyRequestsException "
    "RequestLimitExceeded OperationAborted",
    "quota": "LimitExceeded LimitExceededException TooManyBuckets ServiceLimitExceeded "
    "ServiceQuotaExceededException ResourceNumberLimitExceededException",
    "name_conflict": "AlreadyExists AlreadyExistsException EntityAlreadyExists BucketAlreadyExists "
    "BucketAlreadyOwnedByYou ResourceConflict",
    "invalid_request": "ValidationError ValidationException InvalidInputException MalformedPolicyDocument "
    "InvalidRequest InvalidParameterValue InvalidArgument InvalidBucketName InvalidTypeConfiguration "
    "NotUpdatable",
    "internal": "InternalFailure ServiceInternalError NotStabilized GeneralServiceException x",
}


@pytest.mark.parametrize(("cause", "code"), [(c, code) for c in CODES for code in CODES[c].split()])
def test_every_error_code_has_a_cause(cause: str, code: str) -> None:
    for written in (f"{code}: no", f"It failed ({code.lower()})", f"HandlerErrorCode: {code.upper()})"):
        told = failure("Bucket", "AWS::S3::Bucket", written)
        assert told.cause == cause, written
        assert is_name_conflict(written) == (cause == "name_conflict")
        assert (told.resource, told.type) == ("Bucket", "AWS::S3::Bucket")
        assert told.fix


@pytest.mark.parametrize("length", [299, 300])
def test_a_message_of_600_bytes_is_not_truncated(length: int) -> None:
    assert redacted("é" * length, "") == "é" * length


@pytest.mark.parametrize("length", [301, 5000])
def test_a_longer_message_is_truncated_visibly(length: int) -> None:
    assert redacted("é" * length, "") == "é" * 298 + "…"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("AROAABCDEFGHIJKL is not", "[id] is not"),
        ("by AIDAABCDEFGHIJKLMNOP:session", "by [id]:session"),
        ("key ASIA0123456789AB, key AKIA0123456789AB", "key [id], key [id]"),
        ("AROA and AKIABC are words", "AROA and AKIABC are words"),
        ("canonical id " + "a1" * 32, "canonical id [id]"),
        ("a digest " + "a1" * 20, "a digest [id]"),
        ("run jr_" + "a1" * 32, "run jr_" + "a1" * 32),
        ("ask a.b+c@mail.example.org.", "ask [address]."),
        ("account 123456789012 of 1234567890123", "account [account] of 1234567890123"),
    ],
)
def test_principals_users_and_accounts_are_redacted(words: str, shown: str) -> None:
    assert redacted(words, "abcdefgh23") == shown


def test_a_failure_shows_the_environments_own_names() -> None:
    words = "terraglue-abcdefgh23-sor already exists in terraglue-zzzzzzzz77-sor"
    told = failure("SorBucket", "AWS::S3::Bucket", words, environment_id="abcdefgh23")
    assert told.message == "terraglue-abcdefgh23-sor already exists in [another environment]"
