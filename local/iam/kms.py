"""KMS authorization: key policies, and the use of keys by S3 on behalf of its caller.

https://docs.aws.amazon.com/kms/latest/developerguide/policy-evaluation.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from moto.kms.models import Key, kms_backends
from moto.s3.models import FakeBucket, s3_backends

from local.iam.checks import Context, Json, PermissionCheck
from local.iam.policies import Verdict, listed, parsed, verdict
from local.moto_patches.kms import effective_tags

_KEY = re.compile(r"arn:[^:]*:kms:(?P<region>[^:]+):(?P<account>[^:]+):key/(?P<id>[^*]+)")


def find_key(arn: str) -> Key | None:
    """Return moto's key of an ARN, or None if it does not exist."""
    match = _KEY.fullmatch(arn)
    return kms_backends[match["account"]][match["region"]].keys.get(match["id"]) if match else None


def tag_context(key: Key) -> Context:
    """Return the condition keys for the tags of a key that count by now."""
    tags = effective_tags(kms_backends[key.account_id][key.region], key)
    return {f"aws:ResourceTag/{name}": value for name, value in tags.items()}


def key_policy_verdict(check: PermissionCheck, principals: set[str]) -> tuple[Verdict, bool]:
    """Evaluate the key policy of the check's resource for a principal, named by its ARNs.

    The verdict is on statements that name the principal. The second value is whether the policy lets IAM
    policies of the account decide. A resource that is not a key has no policy and leaves it to IAM.
    """
    key = find_key(check.resource)
    if key is None:
        return Verdict.SILENT, True
    account = {f"arn:aws:iam::{key.account_id}:root", key.account_id}
    statements = [
        statement | {"Resource": "*"} for statement in listed(parsed(key.policy).get("Statement", []))
    ]
    own = [each for each in statements if _names(each) & ({"*"} | principals)]
    delegating = [each for each in statements if _names(each) & account]
    by_account = verdict([{"Statement": delegating}], check)
    if by_account is Verdict.DENIED:
        return Verdict.DENIED, False
    return verdict([{"Statement": own}], check), by_account is Verdict.ALLOWED


def allows_service(key: Key, service: str, action: str, context: Context) -> bool:
    """Return whether a key's policy lets a service, such as `logs.us-east-1.amazonaws.com`, use the key."""
    statements = [
        statement | {"Resource": "*"}
        for statement in listed(parsed(key.policy).get("Statement", []))
        if isinstance(principal := statement.get("Principal"), dict)
        and service in listed(principal.get("Service", []))
    ]
    check = PermissionCheck(action, key.arn, context)
    return verdict([{"Statement": statements}], check) is Verdict.ALLOWED


def _names(statement: Json) -> set[str]:
    principal = statement.get("Principal", {})
    return set(listed(principal.get("AWS", []) if isinstance(principal, dict) else principal))


def s3_key_checks(
    method: str, action: str, resource: str, source: str | None, context: Context, chosen: str | None = None
) -> Iterator[PermissionCheck]:
    """Yield the permission checks on the keys that S3 uses for an object request.

    `source` is the ARN of the object that a copy reads. `chosen` is the key that the request names instead
    of the bucket's. A HEAD request decrypts nothing.
    """
    if action == "s3:PutObject" and (bucket := _bucket(resource)):
        rule = (bucket.encryption or {}).get("Rule", {})
        if arn := chosen or rule.get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
            has_bucket_key = str(rule.get("BucketKeyEnabled", "")).lower() == "true"
            yield from _check("kms:GenerateDataKey", arn, resource, has_bucket_key, context)
    reads = resource if action == "s3:GetObject" and method != "HEAD" else source
    if reads and (bucket := _bucket(reads)):
        stored: Any = bucket.keys.get(reads.partition("/")[2])
        if stored is not None and stored.encryption == "aws:kms" and stored.kms_key_id:
            yield from _check("kms:Decrypt", stored.kms_key_id, reads, stored.bucket_key_enabled, context)


def _bucket(resource: str) -> FakeBucket | None:
    name = resource.rpartition(":")[2].partition("/")[0]
    partition, account = s3_backends.bucket_accounts.get(name, ("aws", ""))
    return s3_backends[account][partition].buckets.get(name) if account else None


def _check(
    action: str, arn: str, resource: str, has_bucket_key: bool, context: Context
) -> Iterator[PermissionCheck]:
    key = find_key(arn)
    encrypted = resource.partition("/")[0] if has_bucket_key else resource
    yield PermissionCheck(
        action,
        arn,
        {
            **{name: value for name, value in context.items() if not name.startswith("s3:")},
            "kms:ViaService": f"s3.{context['aws:RequestedRegion']}.amazonaws.com",
            "kms:CallerAccount": context["aws:PrincipalAccount"],
            "kms:EncryptionContext:aws:s3:arn": encrypted,
            **(tag_context(key) if key else {}),
        },
    )
