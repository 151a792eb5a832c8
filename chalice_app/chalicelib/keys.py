"""How KMS is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.clock import timestamp
from chalicelib.errors import from_boto

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient


class Keys:
    """What the receipt of a deleted environment says of its key; errors come out as `AwsError`."""

    def __init__(self, client: KMSClient) -> None:
        self._client = client

    def removal_date(self, key_arn: str) -> str | None:
        """When a key that was scheduled for deletion will be gone; None when it is not scheduled or gone."""
        try:
            metadata = self._client.describe_key(KeyId=key_arn)["KeyMetadata"]
        except (ClientError, BotoCoreError) as error:
            failure = from_boto(error)
            if failure.code == "NotFoundException":
                return None
            raise failure from error
        date = metadata.get("DeletionDate")
        return timestamp(date) if date else None
